package schedule

import (
	"encoding/json"
	"sort"
	"time"
)

// The reference is a second reading of SCHEDULE.md, slow on purpose: it lists
// all occurrences of the plan beforehand, asks at every instant that any rule
// mentions, and searches lists for everything. It shares no code with the
// machine, its rules or its JSON.

type refAiring struct {
	ID, Unit, Class, Start, Rule    string
	ExDates, RDates                 []string
	Length                          int64
	Lateness                        *int64
	Order                           int64
	Approved, Published             time.Time
	Arrives                         *time.Time
	AfterCut                        string `json:"after_cut"`
	Night                           bool
	Replaces, Supersedes            string
	Drill                           bool
	Until                           time.Time
	Passes                          *int64
	Every                           *int64
	depth                           int
	approved, published, arrives    int64
	until, every, passes, lateness  int64
	arrived, accepted, missing, urg bool
}

type refEvent struct {
	At               time.Time
	Do, Airing, Unit string
	Start            *time.Time
	at               int64
}

type refPlan struct {
	Zone       string
	From, To   time.Time
	Path       []string
	QuietHours []struct{ Unit, Start, End string } `json:"quiet_hours"`
	Airings    []*refAiring
	Events     []*refEvent
}

type refOcc struct {
	a                    *refAiring
	s                    int64
	begun, gone          bool
	outcome, reason      string // outcome "" until final
	firstCut             string
	suspended            bool
	p                    int64
	plays                [][2]int64
	whole, dropped       int64
	due                  int64
	lastEnded            int64
	everSounded          bool
	lastEndedBy          string
	soundFrom, soundBase int64 // when the stretch began, and the position then
}

func (o *refOcc) alive() bool { return !o.gone && o.outcome == "" }

type refWorld struct {
	plan            *refPlan
	zone            *refZone
	occs            []*refOcc
	quiet           [][2]int64
	now             int64
	on, sure, muted bool
	air             *refOcc // on the air
	waitingAir      []*refAiring
	waitingEv       []*refEvent
	from, to        int64
}

func refTimeline(input []byte) ([]string, error) {
	p := &refPlan{}
	if err := json.Unmarshal(input, p); err != nil {
		return nil, err
	}
	w := &refWorld{plan: p, zone: newRefZone(p.Zone), on: true, sure: true, from: p.From.UnixMilli(), to: p.To.UnixMilli()}
	last := w.to
	for _, a := range p.Airings {
		for i, u := range p.Path {
			if u == a.Unit {
				a.depth = i
			}
		}
		a.urg = a.Class == "emergency"
		a.approved, a.published = a.Approved.UnixMilli(), a.Published.UnixMilli()
		a.arrives = a.published
		if a.Arrives != nil {
			a.arrives = a.Arrives.UnixMilli()
		}
		a.lateness = 600000
		if a.Lateness != nil {
			a.lateness = *a.Lateness
		}
		if a.urg {
			a.until, a.passes, a.every = a.Until.UnixMilli(), 1, a.Length
			if a.Passes != nil {
				a.passes = *a.Passes
			}
			if a.Every != nil {
				a.every = *a.Every
			}
			if s := w.zone.resolve(a.Start); s >= w.from && s < w.to {
				w.occs = append(w.occs, &refOcc{a: a, s: s, due: s})
			}
			last = max(last, a.until+a.Length)
			continue
		}
		for _, s := range refStarts(w.zone, a.Start, a.Rule, a.ExDates, a.RDates, w.to) {
			if s >= a.published && s >= w.from && s < w.to {
				w.occs = append(w.occs, &refOcc{a: a, s: s})
				last = max(last, s+a.Length+a.lateness)
			}
		}
	}
	for _, e := range p.Events {
		e.at = e.At.UnixMilli()
	}
	w.quiet = w.quietPeriods(w.from-3*86400000, last+4*86400000)
	w.beforeFrom()
	for t := w.from; t != refNever; t = w.following(t) {
		w.instant(t)
	}
	return w.print(), nil
}

const refNever = int64(1) << 60

// following returns the next instant that any rule mentions.
func (w *refWorld) following(t int64) int64 {
	next := refNever
	at := func(x int64) {
		if x > t && x < next {
			next = x
		}
	}
	alive := false
	for _, o := range w.occs {
		if !o.alive() {
			continue
		}
		alive = true
		at(o.s)
		at(o.s + 1)
		if o.a.urg {
			at(o.due)
			at(o.a.until - 1)
			at(o.a.until)
			continue
		}
		at(o.s + o.a.lateness)
		at(o.s + o.a.lateness + 1)
		at(o.s + o.a.lateness + o.a.Length)
		at(o.s + o.a.lateness + o.a.Length - (o.a.Length - o.q()))
		at(o.s + o.a.lateness + o.a.Length - (o.a.Length - o.q()) + 1)
	}
	if !alive {
		return refNever
	}
	if w.air != nil {
		at(w.air.soundFrom + w.air.a.Length - w.air.soundBase)
	}
	for _, a := range w.plan.Airings {
		at(a.arrives)
	}
	for _, e := range w.plan.Events {
		at(e.at)
	}
	for _, q := range w.quiet {
		at(q[0])
		at(q[1])
	}
	return next
}

func (o *refOcc) q() int64 {
	if o.p < 2000 {
		return 0
	}
	return o.p - 2000
}

// beforeFrom takes airings, stops and withdrawals of before from.
func (w *refWorld) beforeFrom() {
	w.now = w.from
	for _, a := range w.plan.Airings {
		if a.arrives < w.from {
			a.arrived = true
			w.waitingAir = append(w.waitingAir, a)
		}
	}
	for _, e := range w.plan.Events {
		if e.at < w.from && (e.Do == "stop" || e.Do == "withdraw") {
			w.waitingEv = append(w.waitingEv, e)
		}
	}
	w.release()
}

// release takes what was held back: by own instant; airings by id, then events.
func (w *refWorld) release() {
	type item struct {
		at    int64
		order int
		id    string
		do    func()
	}
	var items []item
	for _, a := range w.waitingAir {
		items = append(items, item{a.arrives, -1, a.ID, func() { w.accept(a) }})
	}
	for i, e := range w.waitingEv {
		items = append(items, item{e.at, i, "", func() { w.order(e) }})
	}
	w.waitingAir, w.waitingEv = nil, nil
	sort.SliceStable(items, func(i, j int) bool {
		x, y := items[i], items[j]
		if x.at != y.at {
			return x.at < y.at
		}
		if x.order != y.order {
			return x.order < y.order
		}
		return x.id < y.id
	})
	for _, it := range items {
		it.do()
	}
}

func (w *refWorld) instant(t int64) {
	w.now = t
	// 1. End.
	if o := w.air; o != nil && t >= o.soundFrom+o.a.Length-o.soundBase {
		w.silence()
		if o.a.urg {
			o.whole++
			o.lastEndedBy = ""
			o.due = o.soundFrom + o.a.every
			w.maybeOver(o)
		} else {
			o.outcome = "played"
		}
	}
	// 2. Too late.
	for _, o := range w.occs {
		switch {
		case !o.alive() || o == w.air:
		case o.a.urg:
			if o.a.until <= t {
				w.finished(o, "")
			}
		case !o.begun && o.s+o.a.lateness < t:
			o.outcome, o.reason = "skipped", w.whyNot(o, o.s+o.a.lateness)
		case o.suspended && !w.fitsWindow(o):
			o.outcome, o.reason = "cut", o.firstCut
		}
	}
	// 3. Events, then airings.
	for _, e := range w.plan.Events {
		if e.at == t {
			w.happen(e)
		}
	}
	var now []*refAiring
	for _, a := range w.plan.Airings {
		if a.arrives == t {
			now = append(now, a)
		}
	}
	sort.Slice(now, func(i, j int) bool { return now[i].ID < now[j].ID })
	for _, a := range now {
		a.arrived = true
		if w.on {
			w.accept(a)
		} else {
			w.waitingAir = append(w.waitingAir, a)
		}
	}
	// 4 and 5. Emergencies.
	var best *refOcc
	for _, o := range w.occs {
		if !o.alive() || !o.a.urg || !o.a.accepted || o == w.air || o.due > t || o.a.until <= t || !w.on || w.muted {
			continue
		}
		if o.a.Drill && !w.outOfQuiet(t, o.a.Length) {
			continue
		}
		if w.air != nil && w.air.a.urg && (o.a.Drill || !w.air.a.Drill) {
			continue
		}
		if best == nil || refPassFirst(o, best) {
			best = o
		}
	}
	if best != nil {
		if o := w.air; o != nil && o.a.urg {
			w.silence()
			o.dropped++
			o.lastEndedBy = "emergency"
			o.due = o.soundFrom + o.a.every
			w.maybeOver(o)
		} else if o != nil {
			why := "emergency"
			if best.a.Drill {
				why = "drill"
			}
			w.cut(why)
		}
		w.sound(best, 0)
	}
	// 6. Choose.
	if !w.on || w.muted || w.air != nil || !w.sure {
		return
	}
	var first *refOcc
	var firstAt int64
	for _, o := range w.occs {
		if !o.alive() || o.a.urg || !o.a.accepted || o.a.missing || o.s > t {
			continue
		}
		pos := int64(0)
		if !o.suspended {
			if !w.allowed(o, o.a.Length) {
				continue
			}
		} else {
			end := o.s + o.a.Length + o.a.lateness
			switch {
			case o.a.AfterCut != "resume" && t+o.a.Length <= end && w.allowed(o, o.a.Length):
			case t+o.a.Length-o.q() <= end && w.allowed(o, o.a.Length-o.q()):
				pos = o.q()
			default:
				continue
			}
		}
		if first == nil || refFirst(o, first) {
			first, firstAt = o, pos
		}
	}
	if first != nil {
		w.sound(first, firstAt)
	}
}

func (w *refWorld) allowed(o *refOcc, d int64) bool { return o.a.Night || w.outOfQuiet(w.now, d) }

func (w *refWorld) outOfQuiet(t, d int64) bool {
	for _, q := range w.quiet {
		if q[0] <= t && t < q[1] || t < q[0] && q[0] < t+d {
			return false
		}
	}
	return true
}

func (w *refWorld) sound(o *refOcc, pos int64) {
	o.begun, o.suspended, o.everSounded = true, false, true
	o.soundFrom, o.soundBase = w.now, pos
	if pos == 0 && !o.a.urg {
		o.p = 0
	}
	w.air = o
}

func (w *refWorld) silence() {
	o := w.air
	w.air = nil
	if w.now > o.soundFrom {
		o.plays = append(o.plays, [2]int64{o.soundFrom, w.now})
	}
	o.p = max(o.p, o.soundBase+w.now-o.soundFrom)
	o.lastEnded = w.now
}

// cut is what emergencies, off and mute do to an ordinary occurrence.
func (w *refWorld) cut(why string) {
	o := w.air
	w.silence()
	if o.firstCut == "" {
		o.firstCut = why
	}
	o.suspended = true
	if o.a.AfterCut == "drop" || !w.fitsWindow(o) {
		o.outcome, o.reason = "cut", o.firstCut
	}
}

func (w *refWorld) fitsWindow(o *refOcc) bool {
	end := o.s + o.a.Length + o.a.lateness
	return o.a.AfterCut != "resume" && w.now+o.a.Length <= end || w.now+o.a.Length-o.q() <= end
}

func (w *refWorld) lost(why string) {
	o := w.air
	if o == nil {
		return
	}
	if !o.a.urg {
		w.cut(why)
		return
	}
	w.silence()
	o.lastEndedBy, o.due = why, w.now
	w.maybeOver(o)
}

func (w *refWorld) maybeOver(o *refOcc) {
	if o.whole+o.dropped >= o.a.passes || o.due >= o.a.until || o.a.until <= w.now {
		w.finished(o, "")
	}
}

func (w *refWorld) finished(o *refOcc, why string) {
	if w.air == o {
		w.silence()
		o.lastEndedBy = why
	}
	switch {
	case o.whole > 0:
		o.outcome = "played"
	case o.begun:
		o.outcome, o.reason = "cut", o.lastEndedBy
	case why != "":
		o.outcome, o.reason = "skipped", why
	default:
		o.outcome, o.reason = "skipped", w.whyNot(o, o.a.until-1)
	}
}

func (w *refWorld) whyNot(o *refOcc, t int64) string {
	switch {
	case o.a.arrives > t:
		return "no plan"
	case !w.on || !o.a.accepted:
		return "off"
	case w.muted:
		return "muted"
	case o.a.missing && !o.a.urg:
		return "no content"
	case !w.sure && !o.a.urg:
		return "clock unsure"
	case o.a.urg && o.a.Drill && !w.outOfQuiet(t, o.a.Length), !o.a.urg && !o.a.Night && !w.outOfQuiet(t, o.a.Length):
		return "quiet hours"
	}
	return "busy"
}

func (w *refWorld) happen(e *refEvent) {
	switch e.Do {
	case "off":
		if w.on {
			w.on = false
			w.lost("off")
		}
	case "on":
		if !w.on {
			w.on = true
			w.release()
		}
	case "mute":
		if !w.muted {
			w.muted = true
			w.lost("muted")
		}
	case "unmute":
		w.muted = false
	case "unsure", "sure":
		w.sure = e.Do == "sure"
	case "missing", "there":
		w.byID(e.Airing).missing = e.Do == "missing"
	default:
		if w.on {
			w.order(e)
		} else {
			w.waitingEv = append(w.waitingEv, e)
		}
	}
}

func (w *refWorld) byID(id string) *refAiring {
	for _, a := range w.plan.Airings {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// order carries out a stop or a withdrawal.
func (w *refWorld) order(e *refEvent) {
	if e.Do == "withdraw" {
		w.withdraw(w.byID(e.Airing), e.at, false)
		return
	}
	depth := -1
	for i, u := range w.plan.Path {
		if u == e.Unit {
			depth = i
		}
	}
	for _, o := range w.occs {
		var hit bool
		switch {
		case e.Airing != "" && e.Start != nil:
			hit = o.a.ID == e.Airing && o.s == e.Start.UnixMilli()
		case e.Airing != "":
			hit = o.a.ID == e.Airing && o.s <= e.at
		default:
			hit = o.s <= e.at && (!o.a.urg || o.a.depth >= depth)
		}
		if hit && o.alive() {
			w.kill(o, "stopped")
		}
	}
}

func (w *refWorld) kill(o *refOcc, why string) {
	switch {
	case o.a.urg:
		w.finished(o, why)
	case o == w.air:
		w.silence()
		o.outcome, o.reason = "cut", why
	case o.suspended:
		o.outcome, o.reason = "cut", o.firstCut
	default:
		o.outcome, o.reason = "skipped", why
	}
}

func (w *refWorld) withdraw(a *refAiring, at int64, spare bool) {
	for _, o := range w.occs {
		switch {
		case o.a != a || !o.alive() || o.begun && spare:
		case o.begun || o.s < at:
			w.kill(o, "withdrawn")
		default:
			o.gone = true
		}
	}
}

func (w *refWorld) accept(b *refAiring) {
	if a := w.byID(b.Replaces); a != nil && a != b {
		seen := map[*refAiring]bool{}
		for x := a; x != nil && !seen[x]; x = w.byID(x.Replaces) {
			seen[x] = true
			for _, o := range w.occs {
				if o.a != x || x == b || o.gone || !o.begun && o.outcome == "" {
					continue
				}
				for _, mine := range w.occs {
					if mine.a == b && mine.s == o.s && mine.alive() {
						mine.gone = true
					}
				}
			}
		}
		w.withdraw(a, b.published, true)
	}
	b.accepted = true
	if f := w.byID(b.Supersedes); f != nil && f != b && f.urg {
		for _, o := range w.occs {
			if o.a == f && o.alive() {
				w.finished(o, "superseded")
			}
		}
	}
}
