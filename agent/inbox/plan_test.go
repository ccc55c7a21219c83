package inbox

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func TestADeviceReadsItsPathAndItself(t *testing.T) {
	d := newDesk(t)
	bulk := protocol.Client{Device: protocoltest.Speaker}
	if len(d.Filters()) != 9 {
		t.Errorf("%d filters", len(d.Filters()))
	}
	for _, f := range d.Filters() {
		if !bulk.MaySubscribe(f, d.w.Path()) {
			t.Errorf("%s is not for this device", f)
		}
	}
}

func TestAPlanBecomesUpdatesAndSurvivesARestart(t *testing.T) {
	d := newDesk(t)
	claim := d.w.Claim(t, protocoltest.Bulletin())
	p := protocoltest.Plan(claim.Airing)
	d.get(unitTopic(protocol.VerbPlan), d.w.PlanHead(t))
	want := []Update{
		QuietHours{Unit: protocoltest.Commune, Zone: protocoltest.Zone, Quiet: p.Quiet},
		Accepted{Airing: claim.Airing, Zone: protocoltest.Zone, Arrived: protocoltest.At(0)},
		Withdrawn{Airing: "lp-cu", At: protocoltest.At(-time.Minute)},
		Stopped{Stop: protocoltest.Stop()},
	}
	if diff := cmp.Diff(want, d.told()); diff != "" {
		t.Errorf("told: %s", diff)
	}
	if got := d.Holdings(); len(got.Plans) != 1 || got.Plans[0].Number != p.Number || len(got.Lists) != 3 || len(got.Stops) != 1 {
		t.Errorf("holdings %+v", got)
	}
	wanted := []protocol.Content{claim.Airing.Bulletin, claim.Airing.Approval, *claim.Airing.Sound}
	if diff := cmp.Diff(wanted, d.contents.needed); diff != "" {
		t.Errorf("needed: %s", diff)
	}
	if _, err := d.Verdict(claim.Airing); !errors.Is(err, ErrMissing) {
		t.Errorf("verdict without documents: %v", err)
	}
	d.deliver(claim)
	if got := d.told(); len(got) != 0 {
		t.Errorf("there without its sound: %v", got)
	}
	d.contents.put(protocoltest.SoundBytes(40_000))
	d.arrived()
	if diff := cmp.Diff([]Update{Content{Airing: claim.Airing.ID, There: true}}, d.told()); diff != "" {
		t.Errorf("content: %s", diff)
	}
	grant, err := d.Verdict(claim.Airing)
	if err != nil || grant.Statement.PlaysPerDay != 4 || grant.People[0] != protocoltest.First {
		t.Errorf("verdict %+v %v", grant, err)
	}
	if !slices.Equal(d.contents.needed, []protocol.Content{*claim.Airing.Sound}) {
		t.Errorf("needed once the documents are stored: %v", d.contents.needed)
	}
	got := d.restart(t)
	if len(find[Accepted](got)) != 1 || len(find[Content](got)) != 1 || len(find[Stopped](got)) != 1 || len(find[Withdrawn](got)) != 1 ||
		len(find[Placed](got)) != 1 || len(find[QuietHours](got)) != 1 || len(find[ClockSure](got)) != 1 || len(find[Muted](got)) != 1 {
		t.Errorf("told after a restart: %v", got)
	}
	if _, err := d.Verdict(claim.Airing); err != nil {
		t.Errorf("verdict after a restart: %v", err)
	}
}

// The lowest of what the units on the path allow in the hour counts, without a
// network too.
func TestLimitsOfUnitsHoldByTheHour(t *testing.T) {
	d := newDesk(t)
	p := plan(1000)
	p.Limits = []protocol.Limit{{Of: protocol.CapVolume, From: 21, To: 6, Percent: 40}, {Of: protocol.CapVolume, From: 5, To: 8, Percent: 70}, {Of: protocol.CapLight, From: 18, To: 18, Percent: 55}}
	d.get(unitTopic(protocol.VerbPlan), d.head(t, p))
	for range 2 {
		for hour, want := range map[int]int{0: 40, 5: 40, 6: 70, 7: 70, 8: 100, 20: 100, 21: 40, 23: 40} {
			if got := d.Limit(protocol.CapVolume, hour); got != want {
				t.Errorf("volume at %d:00 at most %d %%, want %d", hour, got, want)
			}
			if got := d.Limit(protocol.CapLight, hour); got != 55 {
				t.Errorf("brightness at %d:00 at most %d %%", hour, got)
			}
		}
		d.restart(t)
	}
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000)))
	if got := d.Limit(protocol.CapVolume, 0); got != 100 {
		t.Errorf("a limit that was taken away still holds: %d", got)
	}
}

// TestHostileMessagesChangeNothing is what a broker, a neighbour or a stranger
// may send: nothing is kept and nothing is told.
func TestHostileMessagesChangeNothing(t *testing.T) {
	d := newDesk(t)
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(1000)))
	d.told()
	claim := d.w.Claim(t, protocoltest.Bulletin())
	good := plan(2000, claim.Airing)
	seal := func(by *envelope.Signer, kind envelope.Kind, m protocoltest.Message) []byte {
		return protocoltest.Seal(t, by, kind, m)
	}
	headOf := func(p protocol.Plan) protocol.PlanHead {
		return protocoltest.PlanHead(protocoltest.Encode(t, p), p.Number)
	}
	elsewhere := good
	elsewhere.Unit, elsewhere.Airings = protocoltest.Doai, nil
	otherHead := headOf(elsewhere)
	otherHead.Unit = protocoltest.Doai
	wrongBody := headOf(elsewhere)
	tomorrow := good
	tomorrow.Number = protocoltest.Number(25 * time.Hour)
	same := plan(1000, claim.Airing)
	mars := good
	mars.Zone = "Mars/Olympus"
	alert := d.w.Alert(t)
	mute := protocoltest.Command()
	toOther := mute
	toOther.Device = "loa-doai"
	muteTomorrow := mute
	muteTomorrow.Number = protocoltest.Number(25 * time.Hour)
	answer := protocol.TimeAnswer{Device: protocoltest.Speaker, Nonce: protocoltest.Nonce(), At: protocoltest.At(0)}
	stranger := protocoltest.Signer(t, "stranger")
	for name, m := range map[string]struct {
		topic string
		b     []byte
	}{
		"plan by a stranger":              {unitTopic(protocol.VerbPlan), seal(stranger, envelope.KindPlan, headOf(good))},
		"plan by an approver":             {unitTopic(protocol.VerbPlan), seal(d.w.First, envelope.KindPlan, headOf(good))},
		"plan by a registrar":             {unitTopic(protocol.VerbPlan), seal(d.w.Registrar, envelope.KindPlan, headOf(good))},
		"plan by a neighbour":             {unitTopic(protocol.VerbPlan), seal(d.w.Devices["loa-doai"], envelope.KindPlan, headOf(good))},
		"plan with a changed byte":        {unitTopic(protocol.VerbPlan), flip(d.head(t, good))},
		"plan of older number":            {unitTopic(protocol.VerbPlan), d.head(t, plan(999, claim.Airing))},
		"other plan of the same number":   {unitTopic(protocol.VerbPlan), d.head(t, same)},
		"plan a day ahead":                {unitTopic(protocol.VerbPlan), d.head(t, tomorrow)},
		"plan under another unit's topic": {protocol.UnitTopic(protocoltest.Dong, protocol.VerbPlan), d.head(t, good)},
		"plan of a unit off the path":     {deviceTopic(protocol.VerbPlan), seal(d.w.Hub, envelope.KindPlan, otherHead)},
		"plan with another unit's body":   {unitTopic(protocol.VerbPlan), seal(d.w.Hub, envelope.KindPlan, wrongBody)},
		"plan of an unknown zone":         {unitTopic(protocol.VerbPlan), d.head(t, mars)},
		"alert under a plan's topic":      {unitTopic(protocol.VerbPlan), seal(d.w.Hub, envelope.KindAlert, alert)},
		"alert by a stranger":             {unitTopic(protocol.VerbAlert), seal(stranger, envelope.KindAlert, alert)},
		"alert sealed as a plan":          {unitTopic(protocol.VerbAlert), seal(d.w.Hub, envelope.KindPlan, alert)},
		"alert of 5 KiB":                  {unitTopic(protocol.VerbAlert), make([]byte, 5<<10)},
		"command to a neighbour":          {deviceTopic(protocol.VerbCmd), seal(d.w.Hub, envelope.KindCommand, toOther)},
		"command by an approver":          {deviceTopic(protocol.VerbCmd), seal(d.w.First, envelope.KindCommand, mute)},
		"command a day ahead":             {deviceTopic(protocol.VerbCmd), seal(d.w.Hub, envelope.KindCommand, muteTomorrow)},
		"command on a unit's topic":       {unitTopic(protocol.VerbCmd), seal(d.w.Hub, envelope.KindCommand, mute)},
		"time that was not asked":         {deviceTopic(protocol.VerbTime), seal(d.w.Hub, envelope.KindTime, answer)},
		"a plan of 17 KiB":                {unitTopic(protocol.VerbPlan), make([]byte, 17<<10)},
		"nothing":                         {unitTopic(protocol.VerbPlan), nil},
		"a neighbour's topic":             {protocol.DeviceTopic("loa-doai", protocol.VerbPlan), d.head(t, good)},
		"no topic of ours":                {"$SYS/broker", d.head(t, good)},
	} {
		before := d.held(t)
		d.get(m.topic, m.b)
		if got := d.told(); len(got) != 0 {
			t.Errorf("%s: told %v", name, got)
		}
		if diff := cmp.Diff(before, d.held(t)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(d.clock.answers) != 0 {
			t.Errorf("%s: taken for the time", name)
		}
	}
	// The good one is accepted after all that.
	d.get(unitTopic(protocol.VerbPlan), d.head(t, good))
	if len(find[Accepted](d.told())) != 1 {
		t.Error("the good plan was not taken")
	}
}

func TestAPlanTooLongForItsHeadComesAsContent(t *testing.T) {
	d := newDesk(t)
	claim := d.w.Claim(t, protocoltest.Bulletin())
	p := plan(2000)
	for i := range 40 {
		a := claim.Airing
		a.ID = protocol.AiringID("lp-" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		p.Airings = append(p.Airings, a)
	}
	body := protocoltest.Encode(t, p)
	if len(body) <= protocol.MaxInlinePlan {
		t.Fatalf("plan of %d bytes is short", len(body))
	}
	d.get(unitTopic(protocol.VerbPlan), d.head(t, p))
	if got := d.told(); len(got) != 0 || len(d.Holdings().Plans) != 0 {
		t.Errorf("a head alone counts as its plan: %v %v", got, d.Holdings())
	}
	if !slices.Contains(d.contents.needed, protocol.ContentOf(body)) {
		t.Error("the body is not asked for")
	}
	d.restart(t)
	d.contents.put(body)
	d.arrived()
	if got := find[Accepted](d.told()); len(got) != 40 {
		t.Errorf("%d airings of 40", len(got))
	}
	if got := d.Holdings().Plans; len(got) != 1 || got[0].Number != 2000 {
		t.Errorf("held %v", got)
	}
}

func TestAPlanThatIsNoPlanUsesItsNumberUp(t *testing.T) {
	d := newDesk(t)
	junk := make([]byte, 9<<10)
	d.contents.put(junk)
	h := protocol.PlanHead{Version: protocol.Version, Unit: protocoltest.Commune, Number: 2000, Plan: protocol.ContentOf(junk)}
	d.get(unitTopic(protocol.VerbPlan), protocoltest.Seal(t, d.w.Hub, envelope.KindPlan, h))
	d.arrived()
	if got := d.held(t); len(got.Airings) != 0 {
		t.Errorf("held %+v", got)
	}
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(3000, d.w.Claim(t, protocoltest.Bulletin()).Airing)))
	if len(find[Accepted](d.told())) != 1 {
		t.Error("a newer good plan was not taken")
	}
}

func TestAnAiringIsImmutable(t *testing.T) {
	d := newDesk(t)
	claim := d.w.Claim(t, protocoltest.Bulletin())
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, claim.Airing)))
	d.told()
	other := claim.Airing
	other.Volume = 100
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2001, other)))
	if got := find[Accepted](d.told()); len(got) != 0 {
		t.Errorf("told %v", got)
	}
	if got := d.held(t).Airings; len(got) != 1 || got[0].Airing.Volume != claim.Airing.Volume {
		t.Errorf("held %+v", got)
	}
}

func TestAbsenceMeansNothing(t *testing.T) {
	d := newDesk(t)
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, d.w.Claim(t, protocoltest.Bulletin()).Airing)))
	d.told()
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2001)))
	if got := d.told(); len(got) != 0 {
		t.Errorf("told %v", got)
	}
	if got := find[Accepted](d.restart(t)); len(got) != 1 {
		t.Errorf("%d airings after a restart", len(got))
	}
}

func TestCopiesOfAnAiringCountAtTheirHighestUnit(t *testing.T) {
	d := newDesk(t)
	low := d.w.Claim(t, protocoltest.Bulletin()).Airing
	low.Unit = protocoltest.Dong
	village := plan(2000, low)
	village.Unit = protocoltest.Dong
	h := protocoltest.PlanHead(protocoltest.Encode(t, village), 2000)
	h.Unit = protocoltest.Dong
	d.get(protocol.UnitTopic(protocoltest.Dong, protocol.VerbPlan), protocoltest.Seal(t, d.w.Hub, envelope.KindPlan, h))
	if got := find[Accepted](d.told()); len(got) != 1 || got[0].Airing.Unit != protocoltest.Dong {
		t.Fatalf("told %v", got)
	}
	high := low
	high.Unit = protocoltest.Commune
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, high)))
	if got := find[Accepted](d.told()); len(got) != 1 || got[0].Airing.Unit != protocoltest.Commune {
		t.Errorf("told %v", got)
	}
	if got := find[Accepted](d.restart(t)); len(got) != 1 || got[0].Airing.Unit != protocoltest.Commune {
		t.Errorf("told after a restart %v", got)
	}
}

// TestNothingUnapprovedIsGranted is a hub in the wrong hands: it signs plans as
// it likes, and the device takes them, but judges each airing by its approvers.
func TestNothingUnapprovedIsGranted(t *testing.T) {
	night := func(c *envelope.Claim) { c.Airing.Night = true }
	for name, tc := range map[string]struct {
		change func(t *testing.T, d *desk, c *envelope.Claim)
		want   error
	}{
		"approved": {func(*testing.T, *desk, *envelope.Claim) {}, nil},
		"another bulletin": {func(t *testing.T, _ *desk, c *envelope.Claim) {
			b := protocoltest.Bulletin()
			b.Text = "Không ai duyệt"
			c.Bulletin = protocoltest.Encode(t, b)
		}, envelope.ErrNotPermitted},
		"at night": {func(_ *testing.T, _ *desk, c *envelope.Claim) { night(c) }, envelope.ErrNotPermitted},
		"approved by its author": {func(t *testing.T, d *desk, c *envelope.Claim) {
			b := protocoltest.Bulletin()
			b.Author = protocoltest.First
			c.Bulletin = protocoltest.Encode(t, b)
			c.Approval = protocoltest.Approve(t, protocoltest.Statement(c.Bulletin, b.Class), d.w.First)
		}, envelope.ErrNotPermitted},
		"approved by the hub": {func(t *testing.T, d *desk, c *envelope.Claim) {
			c.Approval = protocoltest.Approve(t, protocoltest.Statement(c.Bulletin, c.Airing.Class), d.w.Hub)
		}, envelope.ErrNotPermitted},
		"approved by a stranger": {func(t *testing.T, _ *desk, c *envelope.Claim) {
			c.Approval = protocoltest.Approve(t, protocoltest.Statement(c.Bulletin, c.Airing.Class), protocoltest.Signer(t, "stranger"))
		}, envelope.ErrStranger},
		"approved for another village": {func(t *testing.T, d *desk, c *envelope.Claim) {
			s := protocoltest.Statement(c.Bulletin, c.Airing.Class)
			s.Units = []protocol.UnitID{protocoltest.Doai}
			c.Approval = protocoltest.Approve(t, s, d.w.First)
		}, envelope.ErrNotPermitted},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c := d.w.Claim(t, protocoltest.Bulletin())
			tc.change(t, d, &c)
			c.Airing.Bulletin, c.Airing.Approval = protocol.ContentOf(c.Bulletin), protocol.ContentOf(c.Approval)
			d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, c.Airing)))
			d.deliver(c)
			if _, err := d.Verdict(c.Airing); !errors.Is(err, tc.want) {
				t.Errorf("verdict %v, want %v", err, tc.want)
			} else if err != nil && ReasonOf(err) == protocol.ReasonFault {
				t.Errorf("no reason for %v", err)
			}
		})
	}
}

func TestListsAreJudgedAsOfTheAiringsArrival(t *testing.T) {
	d := newDesk(t)
	short := protocoltest.Approvers(protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", d.w.First.Key()))
	short.Number, short.Expires = protocoltest.Number(-time.Hour), protocoltest.At(10*24*time.Hour)
	list := protocoltest.Seal(t, d.w.Registrar, envelope.KindApprovers, short)
	d.contents.put(list)
	c := d.w.Claim(t, protocoltest.Bulletin())
	p := plan(2000, c.Airing)
	h := protocoltest.PlanHead(protocoltest.Encode(t, p), p.Number, list)
	d.get(unitTopic(protocol.VerbPlan), protocoltest.Seal(t, d.w.Hub, envelope.KindPlan, h))
	d.deliver(c)
	d.clock.Reading = sureAt(short.Expires.Time())
	if _, err := d.Verdict(c.Airing); err != nil {
		t.Errorf("an accepted airing no longer stands when its list has expired: %v", err)
	}
	late := c.Airing
	late.ID = "lp-sau"
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2001, late)))
	if _, err := d.Verdict(late); !errors.Is(err, envelope.ErrExpired) {
		t.Errorf("new material under an expired list: %v", err)
	}
}

// The playout asks again about what was refused as soon as other keys count.
func TestThePlayoutIsToldOfNewLists(t *testing.T) {
	d := newDesk(t)
	d.told()
	c := d.w.Claim(t, protocoltest.Bulletin())
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, c.Airing)))
	if got := find[Relisted](d.told()); len(got) != 0 {
		t.Errorf("a plan without lists: told %d times", len(got))
	}
	newer := protocoltest.Approvers(protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", d.w.First.Key()))
	newer.Number = protocoltest.Number(-time.Hour)
	list := protocoltest.Seal(t, d.w.Registrar, envelope.KindApprovers, newer)
	d.contents.put(list)
	p := plan(2001, c.Airing)
	h := protocoltest.PlanHead(protocoltest.Encode(t, p), p.Number, list)
	d.get(unitTopic(protocol.VerbPlan), protocoltest.Seal(t, d.w.Hub, envelope.KindPlan, h))
	d.arrived()
	if got := find[Relisted](d.told()); len(got) != 1 {
		t.Errorf("a new list: told %d times", len(got))
	}
}

func TestWhatCameWithAnUnsureClockIsNewWhenItBecomesSure(t *testing.T) {
	d := newDesk(t)
	d.clock.Reading = unsure()
	d.Inbox.clock()
	c := d.w.Claim(t, protocoltest.Bulletin())
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, c.Airing)))
	d.deliver(c)
	if _, err := d.Verdict(c.Airing); err != nil {
		t.Errorf("unsure: %v", err)
	}
	d.clock.Reading = sureAt(protocoltest.Now().AddDate(1, 1, 0))
	d.Inbox.clock()
	if _, err := d.Verdict(c.Airing); !errors.Is(err, envelope.ErrExpired) {
		t.Errorf("sure, after the list's end: %v", err)
	}
	if got := find[ClockSure](d.told()); len(got) != 2 || got[0].Sure || !got[1].Sure {
		t.Errorf("told %v", got)
	}
}

func TestWhatSoundsNextIsFetchedFirst(t *testing.T) {
	d := newDesk(t)
	claim := func(id protocol.BulletinID, sound []byte, start, rule string) protocol.Airing {
		b := protocoltest.Bulletin()
		s := protocoltest.Sound()
		s.Content = protocol.ContentOf(sound)
		b.ID, b.Sound = id, &s
		a := d.w.Claim(t, b).Airing
		a.Start, a.Rule, a.ExDates, a.RDates = start, rule, nil, nil
		return a
	}
	// It is Monday, 23 November 2026, 10:00.
	weekly := claim("bt-tuan", []byte("weekly"), "2026-11-01T11:00:00", "FREQ=WEEKLY;BYDAY=SU")
	daily := claim("bt-ngay", []byte("daily"), "2026-11-01T09:00:00", "FREQ=DAILY")
	once := claim("bt-mot", []byte("once"), "2026-11-23T12:00:00", "")
	waiting := claim("bt-cho", []byte("waiting"), "2026-11-23T09:55:00", "")
	over := claim("bt-qua", []byte("over"), "2026-11-23T09:00:00", "")
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, weekly, daily, once, waiting, over)))
	var want []protocol.Content
	for _, a := range []protocol.Airing{waiting, once, daily, weekly} {
		want = append(want, a.Bulletin, a.Approval, *a.Sound)
	}
	if diff := cmp.Diff(want, d.contents.needed); diff != "" {
		t.Error(diff)
	}
	d.clock.Reading = sureAt(protocoltest.Now().Add(24 * time.Hour))
	d.told()
	d.tick()
	if got := d.contents.needed; len(got) != 6 || got[2] != *daily.Sound {
		t.Errorf("a day later: %d needed", len(got))
	}
}

// What was whole in the cache when the device went off, or when its disk was full, is
// taken all the same.
func TestDocumentsThatWereNotTakenAreTakenLater(t *testing.T) {
	deliver := func(d *desk, claim envelope.Claim) {
		d.contents.put(claim.Bulletin)
		d.contents.put(claim.Approval)
		d.contents.put(protocoltest.SoundBytes(40_000))
	}
	there := func(t *testing.T, d *desk, claim envelope.Claim, got []Update) {
		t.Helper()
		if !slices.Contains(find[Content](got), Content{Airing: claim.Airing.ID, There: true}) {
			t.Errorf("told %v", got)
		}
		if _, err := d.Verdict(claim.Airing); err != nil {
			t.Error(err)
		}
	}
	t.Run("off", func(t *testing.T) {
		d := newDesk(t)
		claim := d.w.Claim(t, protocoltest.Bulletin())
		d.get(unitTopic(protocol.VerbPlan), d.w.PlanHead(t))
		deliver(d, claim)
		there(t, d, claim, d.restart(t))
	})
	t.Run("full", func(t *testing.T) {
		d := newDesk(t)
		claim := d.w.Claim(t, protocoltest.Bulletin())
		d.get(unitTopic(protocol.VerbPlan), d.w.PlanHead(t))
		deliver(d, claim)
		d.disk.full = true
		d.arrived()
		d.tick()
		d.disk.full = false
		d.told()
		d.tick()
		there(t, d, claim, d.told())
	})
}

// A bulletin's picture is asked for once the bulletin is here; until it has come
// the airing can be heard, but not shown.
func TestAPictureIsContentOfTheBoardAlone(t *testing.T) {
	d := newDesk(t)
	b := protocoltest.Bulletin()
	picture := protocoltest.Picture()
	b.Board.Layout, b.Board.Picture = protocol.LayoutPicture, &picture
	claim := d.w.Claim(t, b)
	d.get(deviceTopic(protocol.VerbPlan), d.head(t, plan(uint64(protocoltest.At(0)), claim.Airing)))
	if slices.Contains(d.contents.needed, picture.Content) {
		t.Error("the picture is asked for before anybody can know of it")
	}
	d.contents.put(protocoltest.SoundBytes(40_000))
	d.told()
	d.deliver(claim)
	if got, want := find[Content](d.told()), []Content{{Airing: claim.Airing.ID, There: true, Unpictured: true}}; !slices.Equal(got, want) {
		t.Errorf("without the picture: %+v", got)
	}
	if !slices.Contains(d.contents.needed, picture.Content) {
		t.Errorf("the picture is not asked for: %v", d.contents.needed)
	}
	d.contents.put(protocoltest.SoundBytes(9_000))
	d.arrived()
	if got, want := find[Content](d.told()), []Content{{Airing: claim.Airing.ID, There: true}}; !slices.Equal(got, want) {
		t.Errorf("with the picture: %+v", got)
	}
	if got := find[Content](d.restart(t)); len(got) != 1 || got[0].Unpictured {
		t.Errorf("after a restart: %+v", got)
	}
}
