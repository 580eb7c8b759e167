"""Reads the trusted documents from the folder PROFILE_API_TRUSTED_DOCUMENTS_DIR."""

from pathlib import Path

from app.engine.trusted_documents import Trust, read_documents
from app.environment import describe_unreadable
from app.settings import ConfigurationError, Settings


def build_trust(settings: Settings) -> Trust:
    """Raises ConfigurationError when trusted documents are on and cannot be read, or when there are none."""
    if settings.trusted_documents == "off":
        return Trust(settings.trusted_documents, {})
    folder = settings.trusted_documents_dir
    try:
        documents = read_documents(folder)
    except OSError as error:
        raise _refusal(error.filename or folder, describe_unreadable(error)) from None
    except ValueError as error:
        raise _refusal(folder, str(error)) from None
    # With `require`, an empty folder would refuse every request. This is always a mistake of the path.
    if not documents:
        raise _refusal(folder, "contains no .graphql file")
    return Trust(settings.trusted_documents, documents)


def _refusal(path: Path | str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"PROFILE_API_TRUSTED_DOCUMENTS_DIR: {path} {problem}.")
