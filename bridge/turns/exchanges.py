"""Which exchange a turn has, and how it is made: a question, a run, or an answer to what one of them asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bridge.delivery.delivering import Delivery
from bridge.delivery.draft import Draft
from bridge.keys import agent_user_id
from bridge.model import Envelope, Reasoning, TurnRecord
from bridge.ports import Clock, Platform, Store
from bridge.routes import AgentBinding
from bridge.texts import Say, say
from bridge.turns.answering import MakeExchange, TurnOptions
from bridge.turns.asking import Asking
from bridge.turns.exchange import Exchange
from bridge.turns.hearing import Hearing
from bridge.turns.ledger import Ledger
from bridge.turns.live import LiveTurn
from bridge.turns.offers import Offers
from bridge.turns.run_order import Surroundings
from bridge.turns.running import Running
from bridge.turns.submitting import Submitting
from bridge.turns.talk import Talk
from bridge.turns.tooling import ToolWork


@dataclass(frozen=True, slots=True)
class Scene:
    """One turn, and all that its exchange needs to know of it.

    Attributes:
        envelope: What is asked: all that ``messages`` say.
        answered: The turn that asked what this one answers, if it does and that one is still known.
    """

    ledger: Ledger
    live: LiveTurn
    platform: Platform
    binding: AgentBinding
    messages: Sequence[Envelope]
    envelope: Envelope
    locale: str
    answered: TurnRecord | None = None

    @property
    def record(self) -> TurnRecord:
        return self.ledger.record


class Exchanges:
    """Makes the exchanges of turns."""

    def __init__(self, store: Store, clock: Clock, options: TurnOptions, runs: Surroundings) -> None:
        self._store = store
        self._clock = clock
        self._options = options
        self._runs = runs

    def of(self, scene: Scene) -> tuple[MakeExchange, Offers]:
        """Return what makes a turn's exchange, and what may be offered below its answer."""
        offers = self._options.offers.possible(scene.binding.agent.capabilities)
        if (answered := scene.answered) is not None and answered.tools is not None:
            return lambda draft, delivery: self._submitting(scene, answered, draft, delivery), replace(
                offers, regenerate=False
            )
        if self.is_run(scene.record):
            return lambda draft, delivery: self._running(scene, draft, delivery), Offers()
        return lambda draft, delivery: self._asking(scene, draft, delivery), offers

    def is_run(self, record: TurnRecord) -> bool:
        """Tell whether a turn is a workflow's run, or answers one; of answers ``of`` knows more."""
        return record.answers is not None or self._runs.book.call(record.envelope.text) is not None

    def _running(self, scene: Scene, draft: Draft, delivery: Delivery) -> Exchange:
        return Running(
            scene.envelope,
            scene.locale,
            draft=draft,
            changed=delivery.changed,
            note=delivery.note,
            live=scene.live,
            platform=scene.platform,
            ledger=scene.ledger,
            around=self._runs,
        )

    def _asking(self, scene: Scene, draft: Draft, delivery: Delivery) -> Exchange:
        talk = self._talk(scene)
        hearing = self._hearing(scene, draft, delivery, talk)
        return Asking(
            scene.envelope,
            scene.locale,
            messages=scene.messages,
            carrier=self._runs.carrier,
            draft=draft,
            live=scene.live,
            hearing=hearing,
            work=self._work(scene, draft, delivery.changed, hearing, talk),
            talk=talk,
            binding=scene.binding,
            ledger=scene.ledger,
            platform=scene.platform,
            store=self._store,
            clock=self._clock,
            options=self._options.asking,
            timeout_s=self._options.turn_timeout_s,
        )

    def _submitting(self, scene: Scene, answered: TurnRecord, draft: Draft, delivery: Delivery) -> Exchange:
        talk = self._talk(scene)
        hearing = self._hearing(scene, draft, delivery, talk, answered.tools.said if answered.tools else ())
        return Submitting(
            scene.envelope,
            scene.locale,
            asked=answered,
            draft=draft,
            hearing=hearing,
            work=self._work(scene, draft, delivery.changed, hearing, talk),
            ledger=scene.ledger,
            talk=talk,
            waits=self._runs.waits,
            timeout_s=self._options.turn_timeout_s,
        )

    # --- pieces ---

    def _talk(self, scene: Scene) -> Talk:
        options = self._options.asking
        return Talk(
            scene.record,
            scene.envelope,
            binding=scene.binding,
            store=self._store,
            clock=self._clock,
            scope=options.scope,
            history_chars=options.earlier_chars,
            keep_s=options.keep_s,
        )

    def _hearing(self, scene: Scene, draft: Draft, delivery: Delivery, talk: Talk, told: Sequence[str] = ()) -> Hearing:
        def think(words: str) -> None:
            delivery.note(say(Say.THOUGHT, scene.locale, words=words), before_words=True)

        return Hearing(
            draft,
            delivery.changed,
            live=scene.live,
            ledger=scene.ledger,
            agent=scene.binding.agent,
            talk=talk,
            clock=self._clock,
            told=frozenset(told),
            think=think if scene.binding.reasoning is Reasoning.STATUS else None,
        )

    def _work(self, scene: Scene, draft: Draft, changed: Callable[[], None], hearing: Hearing, talk: Talk) -> ToolWork:
        options, envelope = self._options.asking, scene.envelope
        return ToolWork(
            draft,
            changed,
            hearing=hearing,
            live=scene.live,
            ledger=scene.ledger,
            binding=scene.binding,
            talk=talk,
            waits=self._runs.waits,
            clock=self._clock,
            user_id=agent_user_id(
                scene.record.key, envelope.place, envelope.author, options.scope, options.identity_secret
            ),
        )
