"""A process that asks who called, for the tests of secret fields; every person and number is made up."""

from app.bundles.files import BundleFiles
from app.core.personal import check_digit
from tests import world as worlds
from tests.engine.drawing import Drawing

KEY = "calls"

NAME = "张金丝雀"
PHONE = "10287654321"
ID = "31019919870604" + "523"
ID += check_digit(ID)
ADDRESS = "东街道幸福社区金丝雀里37号楼1204室"
CALLER = {"caller_name": NAME, "caller_phone": PHONE, "caller_id": ID, "caller_address": ADDRESS}
COVERED = {
    "caller_name": "张***",
    "caller_phone": "102****4321",
    "caller_id": f"310***********{ID[-4:]}",
    "caller_address": "东街道幸福社区****",
}

DATA = """caller_name: {type: text, label: 来电人, secret: true},
caller_phone: {type: text, format: phone, label: 来电号码, secret: true},
caller_id: {type: text, format: idcard, label: 身份证号, secret: true},
caller_address: {type: text, format: address, label: 住址, secret: true},
result: {type: text, label: 结果}, level: {type: choice, of: [一般, 突发], label: 程度}"""
FILING = """title: 登记
fields:
  - {name: content, required: true}
  - {name: level}
  - {name: caller_name}
  - {name: caller_phone, required: true}
  - {name: caller_id}
  - {name: caller_address}
"""
VISIT = """title: 回访
fields:
  - {name: caller_phone, required: true}
  - {name: content}
  - {name: result}
"""


def files(key: str = KEY) -> BundleFiles:
    """Filed, then one step whose form asks the number again, then a step without a form."""
    drawing = Drawing(key).start(attributes='camunda:formKey="filing"').end()
    drawing.task("visit", f'{worlds.by_role()} camunda:formKey="visit"', outcomes="完成,退回")
    drawing.task("close", worlds.by_role(), outcomes="完成")
    drawing.line("start", "visit", "close", "end")
    return worlds.bundle_of(key, drawing, data=DATA, forms={"filing": FILING, "visit": VISIT})


def failing() -> BundleFiles:
    """The same step, and behind it a gateway that compares a text with a number: it stops whoever completes."""
    drawing = Drawing("failing").start(attributes='camunda:formKey="filing"').end()
    drawing.task("visit", f'{worlds.by_role()} camunda:formKey="visit"', outcomes="完成")
    drawing.task("close", worlds.by_role(), outcomes="完成").either("big", default="no")
    drawing.line("start", "visit", "big").flow("big", "close", when="result > 3").flow(
        "big", "close", name="no"
    )
    drawing.line("close", "end")
    return worlds.bundle_of("failing", drawing, data=DATA, forms={"filing": FILING, "visit": VISIT})
