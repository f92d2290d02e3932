"""What sealing costs: fields a second for each back end, beside HMAC-SM3. `python -m bench.crypto`."""

import time
from collections.abc import Callable
from functools import partial

from app.crypto import blind, sm4
from app.crypto.sm3 import hmac_sm3, sm3
from app.crypto.sm4 import GMSSL, OPENSSL, DataKey, Place

KEY = DataKey(1, bytes(range(16)))
PLACE = Place("case_secrets", "sealed", "0199c1c2-0000-7000-8000-000000000000")
ID_NUMBER = b"310199199001011234"


def rate(act: Callable[[], object], seconds: float = 0.5) -> float:
    """How often a second."""
    done, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < seconds:
        for _ in range(20):
            act()
        done += 20
    return done / took


def main() -> None:
    base = rate(lambda: hmac_sm3(KEY.secret, ID_NUMBER))
    print(f"{'HMAC-SM3':28}{base:>12,.0f}/s   1")
    for name, act in rows():
        each = rate(act)
        print(f"{name:28}{each:>12,.0f}/s   {each / base:.3g}")


def rows() -> list[tuple[str, Callable[[], object]]]:
    made: list[tuple[str, Callable[[], object]]] = [("SM3", lambda: sm3(ID_NUMBER))]
    for by in (OPENSSL, GMSSL):
        sealed = sm4.seal(KEY, PLACE, ID_NUMBER, by)
        made.append((f"seal, {by.name}", partial(sm4.seal, KEY, PLACE, ID_NUMBER, by)))
        made.append((f"open, {by.name}", partial(sm4.open_, KEY, PLACE, sealed, by)))
    made.append(("blind index", lambda: blind.exact(KEY, "caller_id", ID_NUMBER.decode())))
    return made


if __name__ == "__main__":
    main()
