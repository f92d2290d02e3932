"""What people read when a file is not taken, or not there."""

from app.core.errors import Conflict, FieldError, Gone, Unavailable, Unprocessable


class FileTypeNotAllowed(Unprocessable):
    """不接受这种文件。"""


class FileContentMismatch(Unprocessable):
    """文件的内容与文件名不符，或文件不完整。"""


class FileInfected(Unprocessable):
    """文件没有通过病毒检查，没有保存。"""


class AttachmentMissing(Unprocessable):
    """缺少要求的附件。"""


class AttachmentFixed(Conflict):
    """附件已随办理提交，不能撤回。"""


class LooseEnough(Conflict):
    """等着登记的附件太多了，请先登记办件；没有用到的一天后自动清除。"""


class AttachmentWithdrawn(Gone):
    """附件已由上传人撤回。"""


class AttachmentDamaged(Gone):
    """附件的内容已损坏或丢失，请联系管理员从备份恢复。"""


class StorageUnavailable(Unavailable):
    """附件现在不能存取，请联系管理员检查存放附件的文件夹。"""

    slug_of_class = "storage-unavailable"


class ScannerUnavailable(Unavailable):
    """病毒检查暂时不能进行，请稍后再上传。"""

    slug_of_class = "scanner-unavailable"


def not_allowed(detail: str) -> FileTypeNotAllowed:
    return FileTypeNotAllowed(detail, errors=[FieldError("/file", "file-type-not-allowed", detail)])


def mismatch(detail: str) -> FileContentMismatch:
    return FileContentMismatch(detail, errors=[FieldError("/file", "file-content-mismatch", detail)])
