"""What each command does to its case; only advance() gives commands, and only under the lock."""

from app.cases import family, feeding, waits
from app.cases.commands import (
    Assist,
    Claim,
    Command,
    Complete,
    Copy,
    Deliver,
    FinishWork,
    FireTimer,
    HandBack,
    ReadCopy,
    Return,
    Transfer,
    Unclaim,
    Urge,
    Withdraw,
)
from app.cases.commands.asking import Ask, EndCase, Exclude, Include, PassOn, RequestDecided
from app.cases.commands.beside import (
    Amend,
    Attach,
    Detach,
    Link,
    Linked,
    Mark,
    Note,
    Prioritise,
    TreatIncident,
    UnitMoved,
    Unlink,
    Unlinked,
    Write,
)
from app.cases.commands.clocks import ExtendClock, PauseClocks, ResumeClocks, SwapPolicy
from app.cases.commands.feeding import Begin
from app.cases.commands.merging import (
    Answer,
    ChildEnded,
    EndChild,
    Hear,
    HearOf,
    LetGo,
    MergeAway,
    MergeUndone,
    TakeIn,
    TakenUpAgain,
)
from app.cases.commands.rating import Rate
from app.cases.commands.resting import Reopen, RestHold, RestWithParent, Resume, Revoke, Suspend, Terminate
from app.cases.commands.splitting import PartTakenBack, Split, TakePartBack
from app.cases.commands.stack import (
    AddSigner,
    AssignDown,
    Delegate,
    Escalate,
    Recuse,
    RemoveSigner,
    Resolve,
)
from app.cases.env import CaseEnv, awake
from app.cases.external import follow as external
from app.cases.external.finish import finish
from app.cases.incidents import treating
from app.cases.motion import Motion, Row
from app.cases.requests.passing_on import pass_on
from app.cases.sync import set_dues, sync, tell_decided, tell_milestones, tell_votes
from app.cases.tree import Tree
from app.cases.verbs import ask, rest, signers
from app.cases.verbs.amend import amend
from app.cases.verbs.assist import assist
from app.cases.verbs.attach import attach, detach
from app.cases.verbs.claim import claim, hand_back, unclaim
from app.cases.verbs.clocks import extend, pause, resume, run_on
from app.cases.verbs.complete import complete
from app.cases.verbs.copy import copy, read
from app.cases.verbs.end import called_off, revoke, terminate
from app.cases.verbs.exclude import exclude, include
from app.cases.verbs.fire import fire
from app.cases.verbs.hand_on import assign_down, delegate, escalate, resolve
from app.cases.verbs.hear import hear, hear_of, taken_up_again
from app.cases.verbs.link import link, linked, unlink, unlinked
from app.cases.verbs.mark import mark
from app.cases.verbs.merge import merge_away, take_in, undo
from app.cases.verbs.note import note
from app.cases.verbs.prioritise import prioritise
from app.cases.verbs.rate import rate
from app.cases.verbs.recuse import recuse
from app.cases.verbs.reopen import reopen
from app.cases.verbs.return_ import give_back
from app.cases.verbs.split import part_taken_back, split, take_back
from app.cases.verbs.stacking import moved_by
from app.cases.verbs.swap_policy import swap_policy
from app.cases.verbs.transfer import transfer
from app.cases.verbs.unit_moved import unit_moved
from app.cases.verbs.urge import urge
from app.cases.verbs.withdraw import back_on_desk, withdraw
from app.cases.verbs.write import write
from app.clocks.rows import CAP
from app.engine.run import Run


def act(tree: Tree, motion: Motion, command: Command) -> bool:
    """The change of one command; False when there was nothing left to do."""
    gone = "cancelled"  # what becomes of tasks that the engine no longer shows
    match command:
        # those that change rows and leave the engine asleep
        case Claim():
            return claim(motion, command) is not None
        case Unclaim():
            return unclaim(motion, command) is not None
        case HandBack():
            return hand_back(motion, command)
        case Note():
            note(motion, command)
            return True
        case Write():
            write(motion, command)
            return True
        case Attach():
            attach(motion, command)
            return True
        case Detach():
            return detach(motion, command)
        case Link():
            return link(motion, command)
        case Linked():
            return linked(motion, command)
        case Unlink():
            unlink(motion, command)
            return True
        case Unlinked():
            unlinked(motion, command)
            return True
        case Copy():
            copy(motion, command)
            return True
        case ReadCopy():
            return read(motion, command)
        case Urge():
            urge(motion, command)
            return True
        case Suspend():
            rest.suspend(motion, command)
            return True
        case Resume():
            rest.resume(motion, command)
            return True
        case RestWithParent():
            return rest.with_parent(motion, command)
        case RestHold():
            return rest.with_hold(motion, command)
        case Prioritise():
            return prioritise(motion, command)
        case Amend():
            return amend(motion, command)
        case Mark():
            return mark(motion, command)
        case Transfer():
            return transfer(motion, command) is not None
        case Delegate():
            delegate(motion, command)
            return True
        case AssignDown():
            assign_down(motion, command)
            return True
        case Resolve():
            resolve(motion, command)
            return True
        case Escalate():
            escalate(motion, command)
            return True
        case Assist():
            for child in assist(motion, command):
                tree.adopt(child)
                settle(child, Run.new(child.bundle.engine, CaseEnv(child)))
            return True
        case Ask():
            child = ask.ask(motion, command)
            tree.adopt(child)
            settle(child, Run.new(child.bundle.engine, CaseEnv(child)))
            motion.made = ask.made(motion, child)
            return True
        case Split():
            parts = split(motion, command)
            for part in parts:
                tree.adopt(part)
                settle(part, Run.new(part.bundle.engine, CaseEnv(part)))
            motion.made = {"parts": [{**part.case} for part in parts]}
            return True
        case Begin():
            tree.adopt(command.born)
            settle(command.born, Run.new(command.born.bundle.engine, CaseEnv(command.born)))
            feeding.mirror(motion, command.born)
            return False  # its step has told of it
        case PartTakenBack():
            return part_taken_back(motion, command)
        case RequestDecided():
            return ask.hear_decision(motion, command)
        case PassOn():
            pass_on(motion, command)
            return True
        case Exclude():
            return exclude(motion, command)
        case Include():
            include(motion, command)
            return True
        case ChildEnded():
            return family.child_ended(motion, command)
        case LetGo():
            return family.let_go(motion, command)
        case PauseClocks():
            return pause(motion, command)
        case ResumeClocks():
            return resume(motion, command)
        case ExtendClock():
            return extend(motion, command)
        case SwapPolicy():
            return swap_policy(motion, command)
        case MergeAway():
            return merge_away(motion, command)
        case TakeIn():
            return take_in(motion, command)
        case MergeUndone():
            return undo(motion, command)
        case Answer():
            return family.answer(motion, command)
        case Hear():
            hear(motion, command)
            return True
        case TakenUpAgain():
            return taken_up_again(motion, command)
        case UnitMoved():
            unit_moved(motion, command)
            return True
        # those that wake it, or may
        case TreatIncident():
            woken = treating.treat(motion, command)
            if woken is None:
                return True
            run = woken
        case AddSigner():
            adding = signers.add(motion, command)
            if adding is None:
                return True
            run = adding
        case RemoveSigner():
            dropping, moved = signers.remove(motion, command)
            if dropping is None and moved is None:
                return True
            run = dropping or forward(motion, moved)  # type: ignore[arg-type]  # one of the two is there
        case Recuse():
            run = recuse(motion, command)
        case Complete() | Rate():
            task = rate(motion, command) if isinstance(command, Rate) else complete(motion, command)
            if task is None:
                return False
            moved = moved_by(motion, task)
            if moved is None:  # others still have the step in hand
                motion.ask_limits()
                set_dues(motion)
                return True
            run = forward(motion, moved)
        case Return():
            run, gone = give_back(motion, command), "returned"
        case Withdraw():
            run, gone = withdraw(motion, command), "returned"
        case FireTimer():
            timer = fire(motion, command)
            if timer is None:
                return False
            if timer.tier == CAP:
                return run_on(motion, timer)
            run = awake(motion)
            if timer.tier in motion.bundle.drawn.services:
                run.deliver(timer.key)
            else:
                run.fire_timers([timer.key])
        case TakePartBack():
            run = take_back(motion, command)
        case Terminate():
            run = terminate(motion, command)
        case Revoke():
            run = revoke(motion, command)
        case EndCase():
            run = called_off(motion, command)
        case Reopen():
            run = reopen(motion, command)
        case EndChild():
            ending = family.end_with_parent(motion, command)
            if ending is None:
                return False
            run = ending
        case HearOf():
            redone = hear_of(motion, command)
            if redone is None:
                return True
            run = redone
        case Deliver():
            waits.arrived(motion, command)
            run = awake(motion)
            run.deliver(command.ref)
        case FinishWork():
            handed_in = finish(motion, command)
            if handed_in is None:
                return False
            run = handed_in
    settle(motion, run, gone)
    if isinstance(command, AddSigner):
        signers.added(motion, command)
    if isinstance(command, Withdraw):
        back_on_desk(motion, command)
    if isinstance(command, TreatIncident):
        treating.moved_on(motion, command)
    return True


def forward(motion: Motion, task: Row) -> Run:
    """The step is finished: its milestone is told, and the engine wakes and goes on from there."""
    step = motion.bundle.step(task["step"])
    if step.event:
        motion.tell(step.event, step=task["step"])
    run = awake(motion)
    run.complete(task["ref"], task["outcome"])
    return run


def settle(motion: Motion, run: Run, gone: str = "cancelled") -> None:
    """The engine comes to rest, the rows follow its picture, its bytes are kept."""
    picture = run.settle().placed
    tell_decided(motion, run.trace)
    tell_milestones(motion, run.trace)
    tell_votes(motion, run)
    sync(motion, picture, gone)
    family.reply_with_it(motion)
    external.follow(motion, run, picture.waits, gone)
    motion.case["engine"] = run.dump()
