"""Mail: what it says, and how it leaves.

What a mail is, to whom and when, is decided above. May import domain and settings.
"""
