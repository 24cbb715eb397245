// How main.bicepparam reads variables: one that is empty is one that is not set, as GitHub hands on what nobody gave it.

@export()
func given(value string, otherwise string) string => empty(value) ? otherwise : value
