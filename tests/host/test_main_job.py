"""The main job under Microsoft's host, in order: timers begin it, the host is stopped, a message dies.

Timers alone begin the checks here; nobody calls the product to make one.
"""

from __future__ import annotations

from infra.local.demo.watching import eventually
from tests.host.product import Product


def test_everything_on_the_watch_list_arrives_in_the_base_registry(product: Product) -> None:
    product.scenes.first_import()
    assert {candidate["status"] for candidate in product.candidates()} == {"promoted"}


def test_a_good_update_passes_its_gate_and_the_application_is_rebuilt_by_the_webhook(product: Product) -> None:
    product.scenes.good_update()
    assert "Executed 'Functions.acr_webhook' (Succeeded" in product.log()


def test_an_update_survives_a_host_that_is_asked_to_end_in_the_middle_and_arrives_once(product: Product) -> None:
    product.scenes.stopped_between_import_and_validation()
    assert "Job host stopped" in product.log()


def test_an_update_survives_a_host_that_is_killed_in_the_middle_and_arrives_once(product: Product) -> None:
    product.scenes.killed_between_import_and_validation()
    assert {candidate["status"] for candidate in product.candidates()} == {"promoted"}


def test_a_message_that_always_fails_dies_after_five_deliveries_and_is_recorded_by_the_sweep(product: Product) -> None:
    watcher, failed = product.scenes.watcher, "Executed 'Functions.import_images' (Failed"
    assert watcher.died("imports", "validations") == []
    before = product.log().count(failed)
    watcher.queue("imports").send_message("no message of the product")
    eventually("it was delivered five times", lambda: product.log().count(failed) == before + 5, seconds=90)
    eventually("the sweep recorded it", lambda: watcher.died("imports") == ["no message of the product"], seconds=120)
