"""What can go wrong in asking the vendor.

    VendorError
    ├── VendorAwayError      it can't be reached, or answers nothing that can be used
    ├── CredentialsError     it refuses the credentials
    ├── NotThereError        it does not know what was asked for
    ├── RefusedCallError     it refuses the call
    └── StoppedError         this process stops

No message holds a credential or a link to a file.
"""


class VendorError(Exception):
    """The vendor's API could not be asked. The message is one sentence: what happened, and what to do."""


class VendorAwayError(VendorError):
    """The API can't be reached, or its answers can't be used, even after several tries."""


class CredentialsError(VendorError):
    """The API refuses the credentials."""


class NotThereError(VendorError):
    """The API does not know what was asked for."""


class RefusedCallError(VendorError):
    """The API refuses the call."""


class StoppedError(VendorError):
    """This process stops while it waits."""

    def __init__(self) -> None:
        super().__init__("Stopped while waiting to ask the vendor's API.")
