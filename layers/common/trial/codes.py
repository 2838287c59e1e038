"""The base class of every model, and the codes that data may hold."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen; closed to unknown fields; mute about bad input, which may be personal."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        defer_build=True,  # build on first use: a function uses few of the models it imports
    )


class Arm(StrEnum):
    """What an enrolment is allocated to."""

    CONTROL = "control"
    INTERVENTION = "intervention"


class Condition(StrEnum):
    """What an order may require. The protocol says which of these each type of order may hold."""

    NO_MOLESTATION = "no_molestation"
    NO_CONTACT = "no_contact"
    NO_EVICTION = "no_eviction"
    NO_ENTRY = "no_entry"
    LEAVE_PREMISES = "leave_premises"
    KEEP_DISTANCE = "keep_distance"
    NO_APPROACH = "no_approach"
    PROGRAMME = "programme"
    ELECTRONIC_MONITORING = "electronic_monitoring"
    OTHER_REQUIREMENT = "other_requirement"


class Language(StrEnum):
    """What texts are written in: ISO 639-1."""

    EN = "en"
    CY = "cy"


class Status(StrEnum):
    """Where an enrolment stands."""

    ELIGIBLE = "eligible"
    WAITING = "waiting"
    INELIGIBLE = "ineligible"
    ALLOCATED = "allocated"
    ENDED = "ended"


class Reason(StrEnum):
    """Why an enrolment is not randomised: the boxes of the flow diagram, in the order tried."""

    UNDER_18 = "under_18"
    NOT_SERVED = "not_served"
    NO_NUMBER = "no_number"
    UNSAFE_NUMBER = "unsafe_number"
    SUPPRESSED_NUMBER = "suppressed_number"
    ALREADY_IN_TRIAL = "already_in_trial"
    TOO_LATE = "too_late"
    IN_CUSTODY = "in_custody"
    ORDER_ENDED = "order_ended"
    HELD_OVER_DAILY_LIMIT = "held_over_daily_limit"


class MissingReason(StrEnum):
    """Why no number is known."""

    SEIZED_EVIDENCE = "seized_evidence"
    NO_PHONE = "no_phone"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    ASKED_UNKNOWN = "asked_unknown"
    LOST_STOLEN_BROKEN = "lost_stolen_broken"
    IN_CUSTODY_NO_ACCESS = "in_custody_no_access"
    SHARED_WITH_PROTECTED_PERSON = "shared_with_protected_person"
    LANDLINE_ONLY = "landline_only"
    NON_UK_NUMBER = "non_uk_number"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    WITHHELD_FOR_SAFETY = "withheld_for_safety"
    CONDITION_BARS_PHONE = "condition_bars_phone"
    NOT_RECORDED = "not_recorded"


class NumberSource(StrEnum):
    """Where a number came from."""

    CUSTODY_RECORD = "custody_record"
    PROBATION = "probation"
    RESPONDENT = "respondent"
    PARTNER_AGENCY = "partner_agency"
    OTHER = "other"


class Sex(StrEnum):
    """Sex as recorded by the force."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    NOT_KNOWN = "not_known"


class Ethnicity(StrEnum):
    """Self-defined ethnicity, 18+1 classification."""

    W1 = "W1"
    W2 = "W2"
    W3 = "W3"
    W9 = "W9"
    M1 = "M1"
    M2 = "M2"
    M3 = "M3"
    M9 = "M9"
    A1 = "A1"
    A2 = "A2"
    A3 = "A3"
    A4 = "A4"
    A9 = "A9"
    B1 = "B1"
    B2 = "B2"
    B9 = "B9"
    O2 = "O2"
    O9 = "O9"
    NS = "NS"


class AgeBand(StrEnum):
    """Whole years of age at enrolment."""

    UNDER_18 = "under_18"
    FROM_18 = "18-24"
    FROM_25 = "25-34"
    FROM_35 = "35-44"
    FROM_45 = "45-54"
    FROM_55 = "55+"


class ReminderState(StrEnum):
    """The state of a reminder: see the contract's reminder states."""

    PLANNED = "planned"
    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNCONFIRMED = "unconfirmed"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Suppression(StrEnum):
    """Why a reminder was not sent, on purpose."""

    ENDED = "ended"
    EXPIRED = "expired"
    STALE = "stale"
    OUTSIDE_WINDOW = "outside_window"
    PAUSED = "paused"
    SUPPRESSED_NUMBER = "suppressed_number"
    OPTED_OUT = "opted_out"
    NO_NUMBER = "no_number"
    UNSAFE_NUMBER = "unsafe_number"
    MISSED_LATE_START = "missed_late_start"
    DAILY_LIMIT = "daily_limit"
    BREACH_REPORTED = "breach_reported"


class Failure(StrEnum):
    """Why a text that SNS accepted was not delivered, as its delivery log reports."""

    BLOCKED_AS_SPAM = "blocked_as_spam"
    BLOCKED_BY_CARRIER = "blocked_by_carrier"
    CARRIER_UNREACHABLE = "carrier_unreachable"
    INVALID_NUMBER = "invalid_number"
    INVALID_TEXT = "invalid_text"
    NUMBER_BLOCKED = "number_blocked"
    OPTED_OUT = "opted_out"
    OTHER = "other"
    PHONE_BLOCKS_TEXTS = "phone_blocks_texts"
    PHONE_UNREACHABLE = "phone_unreachable"
    PRICE_LIMIT = "price_limit"
    SPEND_LIMIT = "spend_limit"
    UNKNOWN_ERROR = "unknown_error"


class EndReason(StrEnum):
    """Why an enrolment ended before its order expired."""

    RECORDED_IN_ERROR = "recorded_in_error"
    QUASHED = "quashed"
    DISCHARGED = "discharged"
    DECEASED = "deceased"
    IN_CUSTODY = "in_custody"
    WRONG_NUMBER = "wrong_number"
    SAFETY_STOP = "safety_stop"
    OBJECTION_UPHELD = "objection_upheld"


class OutcomeType(StrEnum):
    """What upstream reports to have happened."""

    ARREST = "arrest"
    BREACH = "breach"
    DOMESTIC_ABUSE_INCIDENT = "domestic_abuse_incident"
    OFFENCE = "offence"
    HARM = "harm"


class Harm(StrEnum):
    """What harm the trial is said to have done: CONSORT 2025, items 15 and 27."""

    WRONG_RECIPIENT = "wrong_recipient"
    DISCLOSURE = "disclosure"
    COMPLAINT = "complaint"
    THREAT = "threat"
    OTHER = "other"


class Instrument(StrEnum):
    """What an outcome was against."""

    DVPO = "dvpo"
    DVPN = "dvpn"
    DAPO = "dapo"
    NON_MOLESTATION = "non_molestation"
    RESTRAINING = "restraining"
    BAIL = "bail"
    OTHER = "other"


class PriorIncidents(StrEnum):
    """
    Domestic abuse incidents in the 12 months before the order.

    The codes are words because a spreadsheet reads 1-2 as a date.
    """

    NONE = "none"
    ONE_OR_TWO = "one_or_two"
    THREE_TO_FIVE = "three_to_five"
    SIX_OR_MORE = "six_or_more"

    @classmethod
    def of(cls, count: int) -> "PriorIncidents":
        """The band of a number of incidents."""
        most = {cls.NONE: 0, cls.ONE_OR_TWO: 2, cls.THREE_TO_FIVE: 5}
        return next((band for band, most_of in most.items() if count <= most_of), cls.SIX_OR_MORE)


class RiskGrade(StrEnum):
    """The grade of the force's domestic abuse risk assessment."""

    STANDARD = "standard"
    MEDIUM = "medium"
    HIGH = "high"


class HoldReason(StrEnum):
    """Why nothing held about an enrolment may be erased for now."""

    PROCEEDINGS = "proceedings"
    COMPLAINT = "complaint"
    ACCESS_REQUEST = "access_request"


class Why(StrEnum):
    """The kinds of processing that are logged: Data Protection Act 2018, section 62(1)."""

    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"
    ERASURE = "erasure"


class Retained(StrEnum):
    """What is still held and is next to be erased, for an enrolment or for a number."""

    IDENTIFIERS = "identifiers"
    TRIAL_DATA = "trial_data"
    STRAY_RECEIPTS = "stray_receipts"
    IDLE_NUMBERS = "idle_numbers"
    OPT_OUTS = "opt_outs"
    HELD = "held"  # nothing is to be erased while somebody needs it
