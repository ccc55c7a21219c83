package schedule

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// plan is the input of a timeline.
type plan struct {
	config  Config
	airings []Airing
	events  []timed
}

// readPlan reads the input of Timeline, or returns a *FieldError.
func readPlan(input []byte) (*plan, error) {
	if err := checkText(input); err != nil {
		return nil, err
	}
	o := newObject(input, "")
	if o.err != nil {
		return nil, o.err
	}
	p := &plan{}
	p.config.Zone = readZone(o, "zone")
	p.config.From = readInstant(o, "from")
	p.config.To = readInstant(o, "to")
	p.config.Path = readPath(o, "path")
	none := []json.RawMessage(nil)
	quiet := optional(o, "quiet_hours", readList, none)
	airings := optional(o, "airings", readList, none)
	events := optional(o, "events", readList, none)
	if err := o.done("unknown field"); err != nil {
		return nil, err
	}
	for i, raw := range quiet {
		q, err := p.readQuiet(raw, element("quiet_hours", i))
		if err != nil {
			return nil, err
		}
		p.config.Quiet = append(p.config.Quiet, q)
	}
	known := make(map[protocol.AiringID]bool, len(airings))
	p.airings = make([]Airing, len(airings))
	for i, raw := range airings {
		if err := p.readAiring(&p.airings[i], raw, element("airings", i)); err != nil {
			return nil, err
		}
		if known[p.airings[i].ID] {
			return nil, refuse(element("airings", i)+".id", "an airing twice: %s", p.airings[i].ID)
		}
		known[p.airings[i].ID] = true
	}
	for i, raw := range events {
		e, err := p.readEvent(raw, element("events", i), known)
		if err != nil {
			return nil, err
		}
		if i > 0 && e.at < p.events[i-1].at {
			return nil, refuse(element("events", i)+".at", "before the event listed above it")
		}
		p.events = append(p.events, e)
	}
	return p, nil
}

func readZone(o *object, field string) *time.Location {
	name := readString(o, field)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		o.refuse(field, "not a zone such as Asia/Ho_Chi_Minh")
		return time.UTC
	}
	return zone
}

func readPath(o *object, field string) []protocol.UnitID {
	var path []protocol.UnitID
	for i, s := range readStrings(o, field) {
		u := protocol.UnitID(s)
		switch {
		case !protocol.ValidID(u):
			o.refuse(element(field, i), "not an identifier")
		case slices.Contains(path, u):
			o.refuse(element(field, i), "a unit twice")
		}
		path = append(path, u)
	}
	if len(path) == 0 {
		o.refuse(field, "no unit")
	}
	return path
}

// readUnit reads a unit of the path.
func (p *plan) readUnit(o *object, field string) protocol.UnitID {
	u := protocol.UnitID(readString(o, field))
	if !slices.Contains(p.config.Path, u) {
		o.refuse(field, "not one of the path")
	}
	return u
}

func (p *plan) readQuiet(raw []byte, name string) (QuietPeriod, error) {
	o := newObject(raw, name)
	q := QuietPeriod{Unit: p.readUnit(o, "unit"), Start: readClock(o, "start"), End: readClock(o, "end")}
	return q, o.done("unknown field")
}

func (p *plan) readAiring(a *Airing, raw []byte, name string) error {
	o := newObject(raw, name)
	a.ID = readID[protocol.AiringID](o, "id")
	a.Unit = p.readUnit(o, "unit")
	a.Class = readName(protocol.ParseName[protocol.Class])(o, "class")
	a.Start = readLocal(o, "start")
	a.Length = readMs(time.Millisecond, MaxLength, "not 1 to 86400000 ms")(o, "length")
	a.Approved = readInstant(o, "approved")
	a.Published = readInstant(o, "published")
	a.Arrives = optional(o, "arrives", readInstant, a.Published)
	a.Replaces = optional(o, "replaces", readLink, "")
	leftover := "unknown field, or not one of an ordinary airing"
	if a.Class == protocol.ClassEmergency {
		leftover = "unknown field, or not one of an emergency"
		readEmergency(a, o)
	} else {
		readOrdinary(a, o)
	}
	if err := o.done(leftover); err != nil {
		return err
	}
	if err := a.Validate(p.config.Zone, p.config.Path); err != nil {
		var f *FieldError
		if errors.As(err, &f) {
			return refuse(o.where+f.Field, "%s", f.Why)
		}
		return err
	}
	return nil
}

func readOrdinary(a *Airing, o *object) {
	if o.has("rule") {
		rule, err := ParseRule(readString(o, "rule"))
		if err != nil {
			o.refuse("rule", err.Error())
		}
		a.Rule = &rule
	}
	a.ExDates = optional(o, "exdates", readLocals, nil)
	a.RDates = optional(o, "rdates", readLocals, nil)
	a.Lateness = optional(o, "lateness", readMs(0, MaxLateness, "not 0 to 604800000 ms"), DefaultLateness)
	a.Order = optional(o, "order", readInt, 0)
	a.AfterCut = optional(o, "after_cut", readName(protocol.ParseName[protocol.AfterCut]), protocol.Restart)
	a.Night = optional(o, "night", readBool, false)
}

// longest is more than any plan lasts, and short enough to be added to.
const longest = 100 * 365 * 24 * time.Hour

func readEmergency(a *Airing, o *object) {
	a.Drill = optional(o, "drill", readBool, false)
	a.Until = readInstant(o, "until")
	passes := optional(o, "passes", readInt, 1)
	if passes < 1 {
		o.refuse("passes", "under 1")
	}
	a.Passes = int(min(passes, math.MaxInt32))
	every := optional(o, "every", readInt, a.Length.Milliseconds())
	if every < a.Length.Milliseconds() {
		o.refuse("every", "under the length")
	}
	a.Every = duration(min(every, longest.Milliseconds()))
	a.Supersedes = optional(o, "supersedes", readLink, "")
}

// kindOf reads an event's "do"; 0 is none of them.
func kindOf(do string) Kind {
	switch do {
	case "off":
		return EventOff
	case "on":
		return EventOn
	case "mute":
		return EventMute
	case "unmute":
		return EventUnmute
	case "unsure":
		return EventUnsure
	case "sure":
		return EventSure
	case "missing":
		return EventMissing
	case "there":
		return EventThere
	case "withdraw":
		return EventWithdraw
	case "stop":
		return EventStop
	}
	return 0
}

func (p *plan) readEvent(raw []byte, name string, known map[protocol.AiringID]bool) (timed, error) {
	o := newObject(raw, name)
	at := readInstant(o, "at")
	do := readString(o, "do")
	e := timed{at: toMs(at), Event: Event{Kind: kindOf(do), At: at}}
	airing := func() {
		e.Airing = protocol.AiringID(readString(o, "airing"))
		if !known[e.Airing] {
			o.refuse("airing", "no airing of the file")
		}
	}
	switch e.Kind {
	case EventMissing, EventThere, EventWithdraw:
		airing()
	case EventStop:
		switch {
		case o.has("airing"):
			airing()
			e.Start = optional(o, "start", readInstant, time.Time{})
		case o.has("unit"):
			e.Unit = p.readUnit(o, "unit")
		default:
			o.refuse("airing", "a stop names an airing or a unit")
		}
	case 0:
		o.refuse("do", "unknown: "+printable(do))
	}
	return e, o.done("unknown field, or not one of this event")
}
