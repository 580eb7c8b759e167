"""The content of mails, and SMTP.

Decides how a mail looks and how it is delivered; the layers above decide who gets it. Imports domain and settings."""
