"""The error that a user's input raises."""


class InputError(ValueError):
    """A fault of the input: a file, a prompt, a setting, a command line.

    Raised where input enters (readers of files, constructors that take settings, the session's checks of frames and
    prompts). The message is one line that names the file or setting, what was found and what was expected; the error
    that was caught, if any, is its cause (``raise InputError(...) from error``). Errors of any other type are faults of
    the program: they pass untouched and keep their traceback.
    """


class MissingFileError(InputError, FileNotFoundError):
    """A file or folder that is not there: an :class:`InputError` that ``except FileNotFoundError`` catches as well."""


def placed(error: InputError, place: str) -> InputError:
    """The same fault with its place in front, to be raised from the error that was caught.

    Args:
        error (InputError): what was caught.
        place (str): where it happened, e.g. a video and a frame.
    """
    kind = MissingFileError if isinstance(error, MissingFileError) else InputError
    return kind(f'{place}: {error}')
