package programme_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

func TestAProgrammeBecomesAiringsOneAnItem(t *testing.T) {
	o := newOffice(t)
	o.stock()
	o.save(morning())
	if got := o.plan("xa-a"); len(got) != 3 {
		t.Fatalf("%d airings, want the three that are approved", len(got))
	}
	for _, a := range o.plan("xa-a") {
		if a.Statement.IsZero() || a.Approval.IsZero() || a.Wire.Validate() != nil {
			t.Errorf("airing of %s: %+v", a.Title, a.Wire)
		}
	}
	o.hears("dong", "2026-12-01", "mo 05:00:00", "tin-1 05:00:03", "dong 05:02:33")
	o.hears("dong", "2026-12-20", "mo 05:00:00", "tin-1 05:00:03", "dong 05:02:33")
	o.hears("dong", "2026-12-21")
	o.hears("thon-b", "2026-12-01")

	// What is approved later joins, at its place.
	o.approve("tin-2", "2026-12-31", "tinh")
	o.hears("dong", "2026-12-01", "mo 05:00:00", "tin-1 05:00:03", "tin-2 05:01:03", "dong 05:02:33")
	// Settling again changes nothing.
	before := len(o.published)
	must(t, o.desk.Settle(t.Context()))
	if len(o.published) != before {
		t.Error("plans were published without a change")
	}
}

// stale lists programmes as they were before somebody changed them.
type stale struct {
	programme.DeskStore
	before []programme.Rundown
}

func (s stale) Rundowns(context.Context) ([]programme.Rundown, error) { return s.before, nil }

// Who settles while another saves does not bring the older revision back.
func TestSettlingLooksAtTheNewestRevision(t *testing.T) {
	o := newOffice(t)
	o.stock()
	first := o.save(morning())
	second := first
	second.Slot.Start = "2026-12-01T06:00:00"
	o.save(second)
	desk := programme.NewDesk(o.service, stale{store.NewDesk(o.db), []programme.Rundown{first}}, o.bulletins)
	must(t, desk.Settle(t.Context()))
	o.hears("dong", "2026-12-01", "mo 06:00:00", "tin-1 06:00:03", "dong 06:02:33")
}

// A province has more airings than somebody reads in a list; what is reckoned from
// them must know them all.
func TestAllAiringsOfAProvinceAreKnown(t *testing.T) {
	o := newOffice(t)
	o.stock()
	r := o.save(morning())
	first, err := o.airings.Airing(t.Context(), o.plan("xa-a")[0].Wire.ID)
	must(t, err)
	var copies []programme.Standing
	for i := range 2100 {
		a := first
		a.Wire.ID = protocol.AiringID(fmt.Sprintf("copy-%d", i))
		copies = append(copies, programme.Standing{Airing: a})
	}
	must(t, store.NewDesk(o.db).Recast(t.Context(), r.ID, copies, nil, o.now))
	got, err := o.airings.Airings(t.Context(), []protocol.UnitID{"xa-a"}, o.now)
	must(t, err)
	if len(got) != 2103 || slices.ContainsFunc(got, func(a programme.Airing) bool { return !slices.Equal(a.Units, first.Units) }) {
		t.Errorf("%d airings", len(got))
	}
	read, err := o.service.List(t.Context(), operator(), o.now)
	must(t, err)
	if len(read) != 2000 {
		t.Errorf("%d in the list", len(read))
	}
	many := make([]protocol.AiringID, 40_000)
	for i := range many {
		many[i] = protocol.AiringID(fmt.Sprintf("copy-%d", i))
	}
	if kin, err := o.airings.Kin(t.Context(), many); err != nil || len(kin) != 0 {
		t.Errorf("kin: %d, %v", len(kin), err)
	}
}

// lame is a store that fails.
type lame struct{ programme.DeskStore }

var errLame = errors.New("lame")

func (lame) Group(context.Context, programme.GroupID) (programme.Group, error) {
	return programme.Group{}, errLame
}

func TestAStoreThatFailsIsNoMissingGroup(t *testing.T) {
	o := newOffice(t)
	desk := programme.NewDesk(o.service, lame{store.NewDesk(o.db)}, o.bulletins)
	if _, err := desk.SaveGroup(t.Context(), operator(), programme.Group{ID: "g"}); !errors.Is(err, errLame) {
		t.Errorf("changed: %v", err)
	}
	if _, err := o.desk.SaveGroup(t.Context(), operator(), programme.Group{ID: "g"}); code(err) != "no-group" {
		t.Errorf("without one: %v", err)
	}
}

// choking keeps no stop of one unit.
type choking struct{ programme.Store }

func (c choking) Stop(ctx context.Context, st protocol.Stop) error {
	if st.Unit == "xa-a" {
		return errLame
	}
	return c.Store.Stop(ctx, st)
}

// What cannot be stopped in one unit is stopped in the others all the same.
func TestAStopThatFailsInOneUnitIsSentToTheOthers(t *testing.T) {
	o := newOffice(t)
	o.stock()
	r := morning()
	r.Unit, r.Units = "tinh", []protocol.UnitID{"xa-a", "xa-b"}
	o.save(r)
	s := programme.New(choking{o.airings}, o.bulletins, o, o, o, o.zone, func() time.Time { return o.now })
	stops, err := s.Stop(t.Context(), operator(), "", o.plan("xa-b")[0].Wire.ID)
	if !errors.Is(err, errLame) || len(stops) != 1 || stops[0].Unit != "xa-b" {
		t.Errorf("stops %v, %v", stops, err)
	}
}

// What is on air stays there when the desk looks again, although its last start is
// past; nothing is added after it.
func TestSettlingLeavesWhatIsOnAir(t *testing.T) {
	o := newOffice(t)
	o.stock()
	r := morning()
	r.Slot.Rule, r.Slot.LastDay = "", ""
	o.save(r)
	before := o.plan("xa-a")
	for _, after := range []time.Duration{time.Second, 30 * time.Second, 2 * time.Hour} {
		o.now = time.Date(2026, 12, 1, 5, 0, 0, 0, o.zone).Add(after)
		must(t, o.desk.Settle(t.Context()))
		for _, a := range o.plan("xa-a") {
			if !a.Withdrawn.IsZero() || !slices.ContainsFunc(before, func(b programme.Airing) bool { return a.Wire.ID == b.Wire.ID }) {
				t.Errorf("%s after the start: %s was withdrawn at %v, or is new", after, a.Title, a.Withdrawn)
			}
		}
	}
	if len(before) != 3 {
		t.Errorf("%d airings", len(before))
	}
}

func TestAnEditReplacesAndLetsFinishWhatHasBegun(t *testing.T) {
	o := newOffice(t)
	o.stock()
	o.approve("tin-2", "2026-12-31", "tinh")
	r := o.save(morning())
	first := o.plan("xa-a")
	// At 05:01 of the first day: the slot is on.
	o.now = time.Date(2026, 12, 1, 5, 1, 0, 0, o.zone)
	r.Items = []programme.Item{{Kind: programme.Piece, Bulletin: "tin-2"}, {Kind: programme.Piece, Bulletin: "tin-1"}}
	r = o.save(r)
	if want := time.Date(2026, 12, 1, 5, 15, 0, 0, o.zone); !r.Effective.Equal(want) || r.Revision != 2 {
		t.Errorf("revision %d in force from %s, want %s", r.Revision, r.Effective, want)
	}
	if d := diff.Diff(first, o.plan("xa-a")); d != "" {
		t.Errorf("the slot that is on was touched: %s", d)
	}
	o.hears("dong", "2026-12-01", "mo 05:00:00", "tin-1 05:00:03", "tin-2 05:01:03", "dong 05:02:33")
	// When it is over, the new one stands.
	o.now = time.Date(2026, 12, 1, 5, 15, 0, 0, o.zone)
	must(t, o.desk.Settle(t.Context()))
	o.hears("dong", "2026-12-02", "tin-2 05:00:03", "tin-1 05:01:33")
	replaced := map[string]bool{}
	for _, a := range o.plan("xa-a") {
		if a.Wire.Replaces != "" {
			replaced[a.Title] = true
		}
	}
	if !replaced["tin-1"] || !replaced["tin-2"] || len(replaced) != 2 {
		t.Errorf("replaced: %v", replaced)
	}
	// The device agrees: nothing sounds twice on the day of the change.
	var withdrawn []string
	for _, a := range o.plan("xa-a") {
		if !a.Withdrawn.IsZero() {
			withdrawn = append(withdrawn, a.Title)
		}
	}
	slices.Sort(withdrawn)
	if d := diff.Diff([]string{"dong", "mo"}, withdrawn); d != "" {
		t.Error(d)
	}
	must(t, o.desk.Withdraw(t.Context(), operator(), r.ID))
	o.hears("dong", "2026-12-03")
	if err := o.desk.Withdraw(t.Context(), operator(), r.ID); code(err) != "withdrawn-already" {
		t.Errorf("again: %v", err)
	}
	if _, err := o.desk.Save(t.Context(), operator(), r); code(err) != "withdrawn-already" {
		t.Errorf("edited: %v", err)
	}
}

// What was replaced by something that is over for long stays out: a device that never
// heard of the successor finds it withdrawn.
func TestAPlanDoesNotBringBackWhatWasReplaced(t *testing.T) {
	o := newOffice(t)
	o.stock()
	r := morning()
	r.Items = r.Items[1:2] // tin-1, until 20 December
	r = o.save(r)
	old := o.plan("xa-a")[0]
	r.Slot.LastDay = "2026-12-02"
	o.save(r)
	replaced := o.now
	src, err := o.airings.PlanSource(t.Context(), "xa-a", time.Date(2026, 12, 10, 0, 0, 0, 0, o.zone))
	must(t, err)
	if len(src.Airings) != 1 || src.Airings[0].Wire.ID != old.Wire.ID {
		t.Fatalf("airings %+v", src.Airings)
	}
	p := plan.Build(src, "Asia/Ho_Chi_Minh", o.now)
	if len(p.Withdrawals) != 1 || p.Withdrawals[0].Airing != old.Wire.ID || p.Withdrawals[0].At.Time().After(replaced) {
		t.Errorf("withdrawals %+v", p.Withdrawals)
	}
	// While the successor is there, it says so itself.
	src, err = o.airings.PlanSource(t.Context(), "xa-a", o.now)
	must(t, err)
	if p = plan.Build(src, "Asia/Ho_Chi_Minh", o.now); len(p.Airings) != 2 || len(p.Withdrawals) != 0 {
		t.Errorf("%d airings, withdrawals %+v", len(p.Airings), p.Withdrawals)
	}
}

func TestApprovalsBoundWhatAProgrammeAirs(t *testing.T) {
	o := newOffice(t)
	o.stock()
	o.approve("tin-2", "2026-12-03", "xa-a") // three days, and one commune
	r := morning()
	r.Unit, r.Units = "tinh", []protocol.UnitID{"xa-a", "xa-b"}
	r = o.save(r)
	o.hears("dong", "2026-12-03", "mo 05:00:00", "tin-1 05:00:03", "tin-2 05:01:03", "dong 05:02:33")
	o.hears("dong", "2026-12-04", "mo 05:00:00", "tin-1 05:00:03", "dong 05:02:33")
	o.hears("thon-b", "2026-12-03", "mo 05:00:00", "tin-1 05:00:03", "dong 05:02:33")
	// The bounds are the same on later days: nothing is replaced each morning.
	before := len(o.published)
	o.now = time.Date(2026, 12, 8, 9, 0, 0, 0, o.zone)
	must(t, o.desk.Settle(t.Context()))
	if len(o.published) != before {
		t.Error("a week later plans were published without a change")
	}
	// And said beforehand.
	f, err := o.desk.Forecast(t.Context(), operator(), "dong", &r, "2026-12-10")
	must(t, err)
	if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0].Vi, "tin-2") || !strings.Contains(f.Warnings[0].En, "2026-12-03") {
		t.Errorf("warnings: %v", f.Warnings)
	}
}

func TestAForecastSaysWhatTheRulesDo(t *testing.T) {
	o := newOffice(t)
	o.stock()
	o.approve("tin-2", "2026-12-31", "tinh")
	above := morning()
	above.Unit, above.Units, above.Name = "tinh", []protocol.UnitID{"tinh"}, "Chương trình tỉnh"
	above.Slot.Minutes, above.Items = 5, []programme.Item{{Kind: programme.Piece, Bulletin: "tin-2"}}
	o.save(above)

	draft := morning()
	draft.Slot.Minutes, draft.Items = 3, draft.Items[:2]
	f, err := o.desk.Forecast(t.Context(), who("xa-a", account.Editor), "dong", &draft, "")
	must(t, err)
	type line struct {
		Title, Note string
		Item        int
		Outcome     protocol.Outcome
	}
	var got []line
	for _, l := range f.Lines {
		got = append(got, line{l.Title, l.Note.En, l.Item, l.Outcome})
	}
	want := []line{
		{"mo", "", 0, protocol.OutcomePlayed},
		{"tin-2", "", -1, protocol.OutcomePlayed},
		{"tin-1", "Begins 1m30s late: what goes before it by the rules is heard first.", 1, protocol.OutcomePlayed},
	}
	if d := diff.Diff(want, got); d != "" || f.Day != "2026-12-01" {
		t.Errorf("on %s: %s", f.Day, d)
	}
	// With a minute less there is no time left.
	draft.Slot.Minutes = 2
	f, err = o.desk.Forecast(t.Context(), operator(), "dong", &draft, "2026-12-02")
	must(t, err)
	if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0].Vi, "tin-1") || !strings.Contains(f.Warnings[0].En, "no time is left") {
		t.Errorf("warnings: %v", f.Warnings)
	}
	// At night nothing sounds, and that is said.
	draft.Slot.Start = "2026-12-01T03:15:00"
	f, err = o.desk.Forecast(t.Context(), operator(), "dong", &draft, "2026-12-02")
	must(t, err)
	if len(f.Warnings) != 2 || !strings.Contains(f.Warnings[0].Vi, "giờ yên tĩnh") {
		t.Errorf("warnings: %v", f.Warnings)
	}
	// What does not fit is said, and refused when it is saved.
	draft = morning()
	draft.Slot.Minutes = 2
	f, err = o.desk.Forecast(t.Context(), operator(), "dong", &draft, "2026-12-02")
	must(t, err)
	if len(f.Warnings) == 0 || !strings.Contains(f.Warnings[0].En, "exceeds the slot by 36s") || !strings.Contains(f.Warnings[0].Vi, "0 phút 36 giây") {
		t.Errorf("warnings: %v", f.Warnings)
	}
	if _, err := o.desk.Save(t.Context(), operator(), draft); code(err) != "does-not-fit" {
		t.Errorf("saved: %v", err)
	}
}

func TestCommunesOfAGroupAcceptOrDecline(t *testing.T) {
	o := newOffice(t)
	o.stock()
	g, err := o.desk.SaveGroup(t.Context(), operator(), programme.Group{Unit: "tinh", Name: "Cụm mẫu", Members: []protocol.UnitID{"xa-a", "xa-b", "xa-c"}, Accept: true})
	must(t, err)
	r := morning()
	r.Unit, r.Units, r.Group, r.Deadline = "tinh", nil, g.ID, o.now.Add(3*time.Hour)
	r.Items = r.Items[:2]
	r = o.save(r)
	o.hears("dong", "2026-12-01")
	asked := func(when string, a account.Actor, want ...protocol.UnitID) {
		t.Helper()
		if got, err := o.desk.Asked(t.Context(), a, r); err != nil || !slices.Equal(got, want) {
			t.Errorf("asked %s: %v, %v, want %v", when, got, err, want)
		}
	}
	asked("at first", who("xa-a", account.Editor), "xa-a")
	asked("though it is the operator's", operator())
	asked("though it is an administrator", who("xa-a", account.Administrator))

	// Who may answer hears first what is in it, and nobody else of another unit does.
	invited := func(when string, a account.Actor, want bool) {
		t.Helper()
		got, err := o.desk.Invited(t.Context(), a, r.Items[1].Bulletin)
		list, failed := o.desk.Contents(t.Context(), a, r)
		if err != nil || failed != nil || got != want || len(list) > 0 != want {
			t.Errorf("invited %s: %t and %d bulletins, want %t (%v, %v)", when, got, len(list), want, err, failed)
		}
	}
	invited("at first", who("xa-a", account.Editor), true)
	invited("though they answer for nobody", who("xa-a", account.Auditor), false)
	invited("though it is a village of it", who("dong", account.Editor), false)
	invited("though they are of another commune", who("xa-d", account.Editor), false)
	if ok, err := o.desk.Invited(t.Context(), who("xa-a", account.Editor), "tin-khac"); ok || err != nil {
		t.Errorf("invited to what is in no programme: %v", err)
	}

	must(t, o.desk.Answer(t.Context(), who("xa-a", account.Approver), r.ID, "xa-a", true))
	must(t, o.desk.Answer(t.Context(), who("xa-b", account.Editor), r.ID, "xa-b", false))
	invited("while they may change their minds", who("xa-b", account.Editor), true)
	asked("after the answer", who("xa-a", account.Editor))
	asked("while others have answered", who("xa-c", account.Editor), "xa-c")
	if titles, err := o.desk.Titles(t.Context(), r); err != nil || len(titles) != 2 || slices.Contains(titles, "") {
		t.Errorf("titles %q, %v", titles, err)
	}
	o.hears("dong", "2026-12-01", "mo 05:00:00", "tin-1 05:00:03")
	o.hears("thon-b", "2026-12-01")
	if len(o.plan("tinh"))+len(o.plan("xa-b"))+len(o.plan("xa-c")) > 0 {
		t.Error("airings outside of the commune that accepted")
	}
	for name, c := range map[string]struct {
		a    account.Actor
		unit protocol.UnitID
		want string
	}{
		"the operator above": {operator(), "xa-a", "not-own"},
		"another commune":    {who("xa-b", account.Editor), "xa-c", "not-own"},
		"a village of it":    {who("dong", account.Editor), "xa-a", "not-own"},
		"its administrator":  {who("xa-b", account.Administrator), "xa-b", "not-own"},
	} {
		if err := o.desk.Answer(t.Context(), c.a, r.ID, c.unit, true); code(err) != c.want {
			t.Errorf("answer of %s: %v, want %s", name, err, c.want)
		}
	}
	// They may change their minds until the deadline.
	must(t, o.desk.Answer(t.Context(), who("xa-a", account.Approver), r.ID, "xa-a", false))
	o.hears("dong", "2026-12-01")
	must(t, o.desk.Answer(t.Context(), who("xa-a", account.Approver), r.ID, "xa-a", true))

	o.now = r.Deadline
	asked("after the deadline", who("xa-c", account.Editor))
	invited("after the deadline", who("xa-c", account.Editor), false)
	must(t, o.desk.Settle(t.Context()))
	if err := o.desk.Answer(t.Context(), who("xa-b", account.Editor), r.ID, "xa-b", true); code(err) != "deadline-passed" {
		t.Errorf("after the deadline: %v", err)
	}
	answers, err := o.desk.Answers(t.Context(), operator(), r.ID)
	must(t, err)
	var got []string
	for _, a := range answers {
		got = append(got, fmt.Sprintf("%s %t by %q", a.Unit, a.Accepted, a.By))
	}
	// Silence is the group's rule, and recorded as nobody's word.
	if d := diff.Diff([]string{`xa-a true by "soan"`, `xa-b false by "soan"`, `xa-c true by ""`}, got); d != "" {
		t.Error(d)
	}
	if len(o.plan("xa-c")) != 2 || len(o.plan("xa-b")) != 0 {
		t.Errorf("%d airings in xa-c, %d in xa-b", len(o.plan("xa-c")), len(o.plan("xa-b")))
	}
	if got := len(standing(o.plan("xa-a"))); got != 2 {
		t.Errorf("%d airings stand in xa-a, want 2", got)
	}
}

// standing leaves out what was withdrawn.
func standing(all []programme.Airing) []programme.Airing {
	return slices.DeleteFunc(all, func(a programme.Airing) bool { return !a.Withdrawn.IsZero() })
}

func TestAWeekIsCopied(t *testing.T) {
	o := newOffice(t)
	o.stock()
	r := morning()
	r.Slot = programme.Slot{Start: "2026-12-01T05:00:00", Minutes: 15, RDates: []string{"2026-12-03T05:00:00"}} // Tuesday, Thursday
	r.Items = r.Items[:2]
	o.save(r)
	made, err := o.desk.CopyWeek(t.Context(), operator(), "xa-a", "2026-12-06", "2026-12-14")
	must(t, err)
	if len(made) != 1 {
		t.Fatalf("%d programmes were copied", len(made))
	}
	o.hears("dong", "2026-12-15", "mo 05:00:00", "tin-1 05:00:03")
	o.hears("dong", "2026-12-17", "mo 05:00:00", "tin-1 05:00:03")
	o.hears("dong", "2026-12-16")
	// A programme that stands there already is not doubled, nor is its chime.
	o.save(morning())
	if _, err := o.desk.CopyWeek(t.Context(), operator(), "xa-a", "2026-12-01", "2026-12-07"); err != nil {
		t.Fatal(err)
	}
	for _, day := range []protocol.Date{"2026-12-08", "2026-12-10"} {
		if got := o.heard("dong", day); len(got) != 4 {
			t.Errorf("%s: %q", day, got)
		}
	}
	if got := o.heard("dong", "2026-12-09"); len(got) != 3 {
		t.Errorf("daily programme doubled: %q", got)
	}
}

func TestRightsToProgrammes(t *testing.T) {
	o := newOffice(t)
	o.stock()
	r := o.save(morning())
	for name, c := range map[string]struct {
		a    account.Actor
		want string
	}{
		"an editor of the commune":      {who("xa-a", account.Editor), "<nil>"},
		"an administrator":              {who("xa-a", account.Administrator), "forbidden"},
		"an editor of a village":        {who("dong", account.Editor), "forbidden"},
		"an editor of another commune":  {who("xa-b", account.Editor), "forbidden"},
		"nobody in particular":          {account.Actor{}, "forbidden"},
		"an operator of another branch": {who("xa-c", account.Operator), "forbidden"},
	} {
		p := morning()
		if _, err := o.desk.Save(t.Context(), c.a, p); code(err) != c.want {
			t.Errorf("%s makes one: %v, want %s", name, err, c.want)
		}
	}
	if _, err := o.desk.Get(t.Context(), who("xa-b", account.Editor), r.ID); code(err) != "no-programme" {
		t.Errorf("another commune's: %v", err)
	}
	if _, err := o.desk.Get(t.Context(), who("dong", account.Editor), r.ID); err != nil {
		t.Errorf("a village of it: %v", err)
	}
	p := morning()
	p.Items[0].Bulletin = "khong-co"
	if _, err := o.desk.Save(t.Context(), operator(), p); code(err) != "no-bulletin" {
		t.Errorf("unknown bulletin: %v", err)
	}
	p = morning()
	p.Slot = programme.Slot{Start: "2026-11-29T05:00:00", Minutes: 15}
	if _, err := o.desk.Save(t.Context(), operator(), p); code(err) != "in-the-past" {
		t.Errorf("yesterday: %v", err)
	}
	r.Revision = 7 // what a client believes does not count
	if again := o.save(r); again.Revision != 2 {
		t.Errorf("revision %d", again.Revision)
	}
}

// Every airing of a programme is one that the schedule takes.
func TestAiringsOfProgrammesAreValid(t *testing.T) {
	o := newOffice(t)
	o.stock()
	o.save(morning())
	for _, a := range o.plan("xa-a") {
		s, err := schedule.AiringOf(a.Wire, protocol.MediumSound, a.Wire.Published.Time())
		must(t, err)
		if err := s.Validate(o.zone, []protocol.UnitID{"tinh", "xa-a", "dong"}); err != nil {
			t.Errorf("%s: %v", a.Title, err)
		}
	}
}
