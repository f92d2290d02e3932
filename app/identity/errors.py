"""What can go wrong about who somebody is and what they may do."""

from app.core.errors import Forbidden, NotSignedIn, TooMany


class SignInFailed(NotSignedIn):
    """账号或密码不正确。"""


class SignInLocked(TooMany):
    """登录失败次数过多，请稍后再试。"""


class PermissionMissing(Forbidden):
    """您没有办理此事的权限。"""

    slug_of_class = "forbidden-action"
