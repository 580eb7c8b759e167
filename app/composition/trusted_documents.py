"""The trusted documents of the folder that the operator names."""

from app.engine.trusted_documents import Trust, read_documents
from app.settings import ConfigurationError, Settings


def build_trust(settings: Settings) -> Trust:
    """ConfigurationError where trusted documents can't be read, or there are none."""
    if settings.trusted_documents == "off":
        return Trust(settings.trusted_documents, {})
    folder = settings.trusted_documents_dir
    try:
        documents = read_documents(folder)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"PROFILE_API_TRUSTED_DOCUMENTS_DIR: {folder} can't be read: {error}.") from None
    if not documents:
        raise ConfigurationError(f"PROFILE_API_TRUSTED_DOCUMENTS_DIR: {folder} holds no .graphql file.")
    return Trust(settings.trusted_documents, documents)
