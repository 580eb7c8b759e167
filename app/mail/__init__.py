"""The text and layout of mails, and their delivery by SMTP.

Decides what a mail contains and how it is sent. The layers above decide who gets which mail. Imports domain."""
