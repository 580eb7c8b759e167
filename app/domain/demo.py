"""Who the demo data are about."""

JOHN_DOE = "auth0|john.doe"
