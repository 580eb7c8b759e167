"""The user ids of the demo users that documentation and pages name."""

JOHN_DOE = "auth0|john.doe"
