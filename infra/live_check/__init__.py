"""A first hour in Azure: asks what nobody knows of the services that the product stands on, and cleans up behind it.

    make live-check REGISTRIES=<resource id>[,<resource id of another>]

It is no part of the product, and may import it to say what an answer means there.
"""
