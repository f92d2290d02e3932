"""The gate every diagram passes before it is read: size, charset, no DOCTYPE, a parser without entities."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DRAWN = ("Event", "Task", "}task", "Gateway", "sequenceFlow", "subProcess", "callActivity")
MAX_BYTES = 1024 * 1024
MAX_DEPTH = 100

_PROLOG = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_DECLARED = re.compile(rb"""^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([^"']*)["']""")
_FOREIGN_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff", b"<\x00", b"\x00<")
_UTF8_MARK = b"\xef\xbb\xbf"

_WHAT = {
    "ERR_DOCUMENT_EMPTY": ("文件是空的，或者不是 XML", "the file is empty or is not XML"),
    "ERR_DOCUMENT_END": ("文件没有写完，或结尾有多余的内容", "it is cut off, or something follows its end"),
    "ERR_TAG_NAME_MISMATCH": ("开始标签和结束标签不配对", "opening and closing tag do not match"),
    "ERR_TAG_NOT_FINISHED": ("标签没有结束", "a tag is not closed"),
    "ERR_ATTRIBUTE_REDEFINED": ("同一个属性写了两遍", "an attribute is written twice"),
    "ERR_UNDECLARED_ENTITY": ("用了没有定义的实体（&…;）", "an undefined entity (&…;) is used"),
    "ERR_INVALID_CHAR": ("含有不允许的控制字符", "it holds a forbidden control character"),
    "ERR_NAME_REQUIRED": ("“<”或“&”后面缺少名字；作为文字时请写 &lt; 或 &amp;",
                          "a name is missing after < or &; as text write &lt; or &amp;"),
    "ERR_LT_IN_ATTRIBUTE": ("属性值里有“<”，请写 &lt;", "an attribute value holds <; write &lt;"),
    "NS_ERR_UNDEFINED_NAMESPACE": ("用了没有声明的命名空间前缀", "an undeclared namespace prefix is used"),
}  # fmt: skip


class XmlRefused(Exception):
    """文件不能作为流程图读取。

    rule: xml-malformed, charset, bpmn-doctype-forbidden or bpmn-too-large; line is 1-based or None.
    """

    def __init__(self, rule: str, zh: str, en: str, line: int | None = None) -> None:
        super().__init__(zh)
        self.rule, self.zh, self.en, self.line = rule, zh, en, line


def read(data: bytes) -> Any:
    """The root element of a diagram, comments and processing instructions removed. Raises XmlRefused."""
    if len(data) > MAX_BYTES:
        raise XmlRefused(
            "bpmn-too-large",
            f"文件有 {len(data):,} 字节，超过上限 1 MiB（{MAX_BYTES:,} 字节）。请拆成几个流程。",
            f"The file has {len(data):,} bytes, more than 1 MiB ({MAX_BYTES:,} bytes). Split the process.",
        )
    _refuse_foreign_charset(data)
    _refuse_doctype(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _malformed(error) from None
    if root.getroottree().docinfo.doctype:  # the scan above already looked; this is the second lock
        raise _doctype(1)
    _refuse_depth(root)
    return root


def executables(root: Any) -> list[Any]:
    """Processes that are meant to run: all but those marked not executable. Where there are several, those in
    which nothing is drawn are black boxes, whatever the tool that drew them says.
    """
    found = [each for each in root.iter(f"{BPMN}process") if not _is_at_rest(each)]
    drawn = [each for each in found if any(str(child.tag).endswith(DRAWN) for child in each)]
    return drawn if len(found) > 1 and drawn else found


def calls_in(diagram: bytes) -> dict[str, str]:
    """Call activity → the key it calls, in the diagram's order; nothing of a file that cannot be read."""
    try:
        running = executables(read(diagram))
    except XmlRefused:
        return {}
    drawn = [each for process in running for each in process.iter(f"{BPMN}callActivity")]
    called = {each.get("id") or "": (each.get("calledElement") or "").strip() for each in drawn}
    return {name: key for name, key in called.items() if name and key}


def _is_at_rest(process: Any) -> bool:
    return bool(process.get("isExecutable", "true").strip() == "false")


def _refuse_foreign_charset(data: bytes) -> None:
    declared = _DECLARED.match(data.removeprefix(_UTF8_MARK))
    named = declared.group(1).decode("ascii", "replace") if declared else ""
    if data.startswith(_FOREIGN_MARKS):
        named = named or "UTF-16"
    elif named.upper().replace("_", "-") in ("", "UTF-8", "UTF8", "US-ASCII", "ASCII"):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise XmlRefused(
                "charset",
                f"第 {line} 行不是 UTF-8 文字。请用 UTF-8 编码另存后再上传。",
                f"Line {line} is not UTF-8 text. Save the file as UTF-8 and upload it again.",
                line,
            ) from None
        return
    raise XmlRefused(
        "charset",
        f"文件的编码是 {named[:20]}，只接受 UTF-8。请用 UTF-8 编码另存后再上传。",
        f"The file is encoded in {named[:20]}; only UTF-8 is accepted. Save it as UTF-8 and upload it again.",
        1,
    )


def _refuse_doctype(data: bytes) -> None:
    """A DOCTYPE may only stand before the root element; anywhere else the parser refuses it as malformed."""
    at = 3 if data.startswith(_UTF8_MARK) else 0
    while (step := _PROLOG.match(data, at)) is not None:
        at = step.end()
    if data[at : at + 9].upper() == b"<!DOCTYPE":
        raise _doctype(data.count(b"\n", 0, at) + 1)


def _doctype(line: int) -> XmlRefused:
    return XmlRefused(
        "bpmn-doctype-forbidden",
        f"第 {line} 行有 DOCTYPE 声明。流程图不需要它，也不允许带实体定义；请删去这一段。",
        f"Line {line} has a DOCTYPE declaration. A diagram needs none and may define no entities; delete it.",
        line,
    )


def _too_deep(line: int | None) -> XmlRefused:
    return XmlRefused(
        "bpmn-too-large",
        f"XML 嵌套超过 {MAX_DEPTH} 层。",
        f"The XML is nested more than {MAX_DEPTH} levels deep.",
        line,
    )


def _malformed(error: etree.XMLSyntaxError) -> XmlRefused:
    line = getattr(error, "lineno", None) or 1
    entry = error.error_log.last_error if error.error_log else None
    # libxml2 stops by itself at 256 levels, long before our own count could run.
    if entry is not None and "xcessive depth" in (entry.message or ""):
        return _too_deep(line)
    zh, en = _WHAT.get(entry.type_name if entry else "", ("写法不合规则", "it is not well formed"))
    return XmlRefused(
        "xml-malformed",
        f"第 {line} 行不是合法的 XML：{zh}。",
        f"Line {line} is not valid XML: {en}.",
        line,
    )


def _refuse_depth(root: Any) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise _too_deep(element.sourceline)
