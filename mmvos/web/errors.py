"""Answers to requests that cannot be served, in words: the page and the service give the same ones."""

import errno

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from mmvos.structures import InputError


def answer(status: int, text: str, **headers: str) -> JSONResponse:
    """An answer whose ``detail`` says what is wrong."""
    return JSONResponse(dict(detail=text), status, headers)


def add_errors(app: FastAPI) -> None:
    """Answer bad input by 422, what is not there by 404, and a full disk by 507."""

    @app.exception_handler(InputError)
    def _input_error(_: Request, error: InputError) -> JSONResponse:
        return answer(422, str(error))

    @app.exception_handler(FileNotFoundError)
    def _not_found(_: Request, error: FileNotFoundError) -> JSONResponse:
        return answer(404, str(error))

    @app.exception_handler(OSError)
    def _disk_full(_: Request, error: OSError) -> JSONResponse:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise error
        return answer(507, 'the disk of the server is full.')
