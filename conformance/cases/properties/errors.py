"""The property of errors: who refuses what is wrong, and whether the error is one for the user to read."""

from conformance.cases.properties.property import Property

PROPERTIES = (
    Property(
        "errors",
        "What is wrong in a configuration or an input is refused, by an error that is meant for the user.",
        ("refusal", "refusal/*"),
    ),
)
