package protocol

import "fmt"

// Class says how urgent a bulletin is. The zero value is no class.
type Class uint8

// The classes, in the order of growing urgency.
const (
	ClassNormal    Class = 1 // bản tin thông thường
	ClassPriority  Class = 2 // bản tin ưu tiên
	ClassEmergency Class = 3 // bản tin khẩn cấp
)

// AfterCut says what becomes of an occurrence that was cut.
type AfterCut uint8

// The ways to go on after a cut. The zero value of the wire is restart.
const (
	Restart AfterCut = 0
	Resume  AfterCut = 1
	Drop    AfterCut = 2
)

// Medium is what carries a bulletin to people. Each runs its own machine.
type Medium uint8

// The media.
const (
	MediumSound Medium = 1
	MediumBoard Medium = 2
)

// Outcome is what became of an occurrence; every occurrence has exactly one.
type Outcome uint8

// The outcomes.
const (
	OutcomePlayed  Outcome = 1
	OutcomeCut     Outcome = 2
	OutcomeSkipped Outcome = 3
	OutcomeLost    Outcome = 4 // the device's records were lost
)

// Reason says why an occurrence was cut or skipped. The zero value is "played".
type Reason uint8

// The reasons. Which may go with which outcome is the schedule's matter.
const (
	ReasonNone         Reason = 0
	ReasonNoPlan       Reason = 1
	ReasonOff          Reason = 2
	ReasonMuted        Reason = 3
	ReasonNoContent    Reason = 4
	ReasonClockUnsure  Reason = 5
	ReasonQuietHours   Reason = 6
	ReasonBusy         Reason = 7
	ReasonStopped      Reason = 8
	ReasonWithdrawn    Reason = 9
	ReasonSuperseded   Reason = 10
	ReasonBadSignature Reason = 11
	ReasonNotPermitted Reason = 12
	ReasonExpired      Reason = 13
	ReasonFault        Reason = 14
	ReasonEmergency    Reason = 15 // cut by an actual emergency
	ReasonDrill        Reason = 16 // cut by a drill
)

func (c Class) names() []string { return []string{"", "normal", "priority", "emergency"} }

func (a AfterCut) names() []string { return []string{"restart", "resume", "drop"} }

func (m Medium) names() []string { return []string{"", "sound", "board"} }

func (o Outcome) names() []string { return []string{"", "played", "cut", "skipped", "lost"} }

func (r Reason) names() []string {
	return []string{
		"", "no plan", "off", "muted", "no content", "clock unsure", "quiet hours", "busy", "stopped",
		"withdrawn", "superseded", "bad signature", "not permitted", "expired", "fault", "emergency", "drill",
	}
}

// String returns the word of the domain: "normal", "priority" or "emergency".
func (c Class) String() string { return nameOf(c) }

// String returns "restart", "resume" or "drop".
func (a AfterCut) String() string { return nameOf(a) }

// String returns "sound" or "board".
func (m Medium) String() string { return nameOf(m) }

// String returns "played", "cut", "skipped" or "lost".
func (o Outcome) String() string { return nameOf(o) }

// String returns the reason in words, "" for none.
func (r Reason) String() string { return nameOf(r) }

// named is a closed set of small numbers with words.
type named interface {
	~uint8
	names() []string
}

func nameOf[T named](v T) string {
	if names := v.names(); int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("unknown(%d)", v)
}

// Known says whether v is one of the values of its set.
func Known[T named](v T) bool { return int(v) < len(v.names()) && (v != 0 || v.names()[0] != "") }

// ParseName returns the value of the set whose word is s.
func ParseName[T named](s string) (T, error) {
	var zero T
	for i, n := range zero.names() {
		if n == s && s != "" {
			return T(i), nil
		}
	}
	return zero, fmt.Errorf("%q: %w", s, ErrInvalid)
}
