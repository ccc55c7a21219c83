package programme_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// office is a desk on a real database, with a clock that the test sets.
type office struct {
	t         *testing.T
	db        *store.DB
	bulletins *store.Bulletins
	airings   *store.Programme
	desk      *programme.Desk
	service   *programme.Service
	zone      *time.Location
	now       time.Time
	published []protocol.UnitID
	onPublish func([]protocol.UnitID)
	approvals map[protocol.Digest]protocol.Statement // by the approval's digest
	plays     int                                    // a day, of what is approved; 0: the default
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	zone := time.FixedZone("+07", 7*3600)
	o := &office{
		t: t, db: db, bulletins: store.NewBulletins(db, nil), airings: store.NewProgramme(db), zone: zone,
		now: time.Date(2026, 11, 30, 9, 0, 0, 0, zone), approvals: map[protocol.Digest]protocol.Statement{},
	}
	must(t, db.WithTx(t.Context(), func(tx *sql.Tx) error {
		for _, u := range units {
			if _, err := tx.Exec(`INSERT INTO unit (id, code, name, kind, parent, valid_from) VALUES (?, ?, ?, ?, nullif(?, ''), '2025-07-01')`, u.ID, u.ID, u.Name, u.Kind, u.Parent); err != nil {
				return err
			}
		}
		for _, p := range []string{"soan", "duyet"} {
			if _, err := tx.Exec(`INSERT INTO person (id, name, password, created) VALUES (?, ?, '', 0)`, p, p); err != nil {
				return err
			}
		}
		return nil
	}))
	o.service = programme.New(o.airings, o.bulletins, o, o, o, zone, func() time.Time { o.now = o.now.Add(time.Millisecond); return o.now })
	o.desk = programme.NewDesk(o.service, store.NewDesk(db), o.bulletins)
	return o
}

var units = []registry.Unit{
	{ID: "tinh", Name: "Tỉnh mẫu", Kind: registry.Province},
	{ID: "xa-a", Name: "Xã A", Kind: registry.Commune, Parent: "tinh"},
	{ID: "xa-b", Name: "Xã B", Kind: registry.Commune, Parent: "tinh"},
	{ID: "xa-c", Name: "Xã C", Kind: registry.Commune, Parent: "tinh"},
	{ID: "dong", Name: "Thôn Đông", Kind: registry.Village, Parent: "xa-a"},
	{ID: "thon-b", Name: "Thôn B", Kind: registry.Village, Parent: "xa-b"},
}

func (o *office) Tree(context.Context) (registry.Tree, error) { return registry.NewTree(units), nil }

func (o *office) Devices(context.Context) ([]registry.Device, error) { return nil, nil }

func (o *office) Quiet(context.Context, protocol.UnitID) ([]protocol.Quiet, error) { return nil, nil }

func (o *office) Document(b []byte) (protocol.Content, error) { return protocol.ContentOf(b), nil }

func (o *office) Publish(_ context.Context, units []protocol.UnitID) error {
	o.published = append(o.published, units...)
	if o.onPublish != nil {
		o.onPublish(units)
	}
	return nil
}

func (o *office) Alert(context.Context, protocol.UnitID, protocol.Alert, time.Time) error { return nil }

// who is a person with one role in one unit.
func who(unit protocol.UnitID, role account.Role) account.Actor {
	return account.Actor{Person: "soan", Grants: []account.Grant{{Unit: unit, Role: role}}}
}

func operator() account.Actor { return who("tinh", account.Operator) }

// bulletin writes one with a sound of so many seconds; it is not approved.
func (o *office) bulletin(id protocol.BulletinID, unit protocol.UnitID, class protocol.Class, seconds int) {
	o.t.Helper()
	frames := int64(seconds) * protocol.SoundRate
	content := protocol.ContentOf([]byte("sound of " + id))
	b := bulletin.Bulletin{
		ID: id, Work: id, Revision: 1, Unit: unit, Class: class, Title: string(id), Text: "chữ", Language: "vi", Author: "soan", Origin: bulletin.FromText,
		State: bulletin.Ready, Rendition: &bulletin.Rendition{Content: content, Frames: frames}, Created: o.now, Changed: o.now,
	}
	frozen, err := bulletin.Freeze(b, bulletin.Shown{At: o.now}, nil)
	must(o.t, err)
	b.Bytes, err = protocol.Marshal(frozen)
	must(o.t, err)
	b.Digest = protocol.DigestOf(b.Bytes)
	must(o.t, o.bulletins.CreateBulletin(o.t.Context(), b, false))
}

// approve approves a bulletin for units, from today to a last day.
func (o *office) approve(id protocol.BulletinID, last protocol.Date, units ...protocol.UnitID) {
	o.t.Helper()
	b, err := o.bulletins.Bulletin(o.t.Context(), id)
	must(o.t, err)
	w := bulletin.Wish{Units: units, When: bulletin.InProgrammes, LastDay: last, PlaysPerDay: o.plays}
	st, err := approval.Derive(b, b.Digest, w, o.zone, o.now)
	must(o.t, err)
	raw, err := protocol.Marshal(st)
	must(o.t, err)
	b.Wish, b.State = &w, bulletin.Submitted
	r := approval.Request{Digest: protocol.DigestOf(raw), Bytes: raw, Statement: st, Bulletin: b, Needed: 1, Created: o.now}
	must(o.t, o.bulletins.Submit(o.t.Context(), b, b.Changed, r))
	_, err = o.bulletins.Sign(o.t.Context(), r.Digest, approval.Signature{Person: "duyet", Bytes: []byte("chữ ký"), At: o.now})
	must(o.t, err)
	o.air(id, r.Digest)
}

// air puts an approved request on air, and notes what devices will find in its approval.
func (o *office) air(id protocol.BulletinID, digest protocol.Digest) {
	o.t.Helper()
	q, err := o.bulletins.ApprovedOf(o.t.Context(), id)
	must(o.t, err)
	raw, err := q.Approval()
	must(o.t, err)
	o.approvals[protocol.DigestOf(raw)] = q.Statement
	must(o.t, o.desk.Air(o.t.Context(), digest))
}

// stock is the bulletins of most tests, approved but for "tin-2".
func (o *office) stock() {
	for id, seconds := range map[protocol.BulletinID]int{"mo": 3, "tin-1": 60, "tin-2": 90, "dong": 3} {
		o.bulletin(id, "tinh", protocol.ClassNormal, seconds)
		if id != "tin-2" {
			o.approve(id, "2026-12-31", "tinh")
		}
	}
}

func morning() programme.Rundown {
	return programme.Rundown{
		Unit: "xa-a", Name: "Chương trình sáng", Units: []protocol.UnitID{"xa-a"},
		Slot: programme.Slot{Start: "2026-12-01T05:00:00", Minutes: 15, Rule: "FREQ=DAILY", LastDay: "2026-12-20"},
		Items: []programme.Item{
			{Kind: programme.Opening, Bulletin: "mo"}, {Kind: programme.Piece, Bulletin: "tin-1"}, {Kind: programme.Piece, Bulletin: "tin-2"}, {Kind: programme.Closing, Bulletin: "dong"},
		},
	}
}

func (o *office) save(r programme.Rundown) programme.Rundown {
	o.t.Helper()
	r, err := o.desk.Save(o.t.Context(), operator(), r)
	must(o.t, err)
	return r
}

// plan is what stands in a unit's plan, as a device there would find it.
func (o *office) plan(unit protocol.UnitID) []programme.Airing {
	o.t.Helper()
	src, err := o.airings.PlanSource(o.t.Context(), unit, o.now)
	must(o.t, err)
	slices.SortFunc(src.Airings, func(a, b programme.Airing) int { return cmp.Compare(a.Wire.ID, b.Wire.ID) })
	return src.Airings
}

// heard is what a village hears on a day: "title 05:00:03".
func (o *office) heard(village protocol.UnitID, day protocol.Date) []string {
	o.t.Helper()
	f, err := o.desk.Forecast(o.t.Context(), operator(), village, nil, day)
	must(o.t, err)
	out := []string{}
	for _, l := range f.Lines {
		if l.Outcome == protocol.OutcomePlayed {
			out = append(out, l.Title+" "+l.Begins.In(o.zone).Format(time.TimeOnly))
		}
	}
	return out
}

func (o *office) hears(village protocol.UnitID, day protocol.Date, want ...string) {
	o.t.Helper()
	if d := diff.Diff(append([]string{}, want...), o.heard(village, day)); d != "" {
		o.t.Errorf("%s on %s (-want +got):\n%s", village, day, d)
	}
}

func code(err error) string {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return fmt.Sprint(err)
}

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

	must(t, o.desk.Answer(t.Context(), who("xa-a", account.Approver), r.ID, "xa-a", true))
	must(t, o.desk.Answer(t.Context(), who("xa-b", account.Editor), r.ID, "xa-b", false))
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
