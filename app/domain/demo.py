"""The user ids of the demo users in the documentation and the pages."""

JOHN_DOE = "auth0|john.doe"
