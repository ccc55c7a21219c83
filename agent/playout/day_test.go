package playout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// TestADayOfABoardWithOutages lives 24 hours, from a board that nobody has set up: the
// hub away, an asset missing, a clock that nobody vouches for, a controller that goes
// away, power that goes away while a bulletin is on, while an emergency stands and for
// half an hour, a mute, emergencies that end by themselves, by the hub and by the key, a
// drill. Every frame is compared with what the plan and SCHEDULE.md say must stand at
// that instant, which is written down here by hand.
func TestADayOfABoardWithOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		for _, x := range []struct {
			at string
			do func()
		}{
			{"00:00:00", l.start},
			{"05:30:20", func() {
				placed := protocol.Placement{Name: "Thôn Đông", Number: 1, From: protocol.InstantOf(l.now()), Path: []protocol.UnitID{"xa", "thon"}}
				l.placed.Store(&placed)
				l.tell(inbox.Placed{Placement: placed}, inbox.Muted{}, inbox.QuietHours{Unit: "xa", Zone: "UTC", Quiet: []protocol.Quiet{{Start: 21*60 + 30, End: 5 * 60}}})
			}},
			{"05:40:20", func() { l.sure(true) }},
			{"05:50:00", l.plan},
			{"06:30:00", func() { l.away.Store(true) }},
			{"06:50:00", func() { l.away.Store(false) }},
			{"07:04:10", func() { l.tell(inbox.Content{Airing: "thieu", There: true}) }},
			{"07:58:30", func() { l.sure(false) }},
			{"08:03:20", func() { l.sure(true) }},
			{"09:00:03", func() { l.film.set(true) }},
			{"09:01:33", func() { l.film.set(false) }},
			{"10:00:05", l.off},
			{"10:00:12", l.start},
			{"11:00:06", func() { l.alarm("lu", 2, "11:20:00", false) }},
			{"13:00:00", func() { l.alarm("chay", 1, "14:00:00", false) }},
			{"13:10:00", l.off},
			{"13:10:20", l.start},
			{"13:30:30", func() { l.tell(inbox.Withdrawn{Airing: "chay", At: protocol.InstantOf(l.now())}) }},
			{"15:00:00", func() { l.alarm("tap", 1, "15:10:00", true) }},
			{"16:00:00", func() { l.alarm("khoa", 1, "17:30:00", false) }},
			{"16:05:05", func() {
				if id, ok := l.screen.Clear(); !ok || id != "khoa" {
					t.Errorf("the key ended %q", id)
				}
				l.tell(inbox.Keyed{Airing: "khoa", At: protocol.InstantOf(l.now())})
			}},
			{"17:55:00", l.off},
			{"18:25:00", l.start},
			{"18:59:50", func() { l.tell(inbox.Muted{Muted: true}) }},
			{"19:02:10", func() { l.tell(inbox.Muted{}) }},
			{"22:00:00", func() { l.alarm("tap-dem", 1, "22:10:00", true) }},
			{"23:00:00", func() { l.alarm("dem", 1, "23:05:00", false) }},
			{"23:59:59", l.off},
		} {
			time.Sleep(l.at(x.at).Sub(l.now()))
			synctest.Wait()
			x.do()
			synctest.Wait()
		}
		l.compare(l.mainTruth(), l.sideTruth())
		if diff := cmp.Diff(dayReceipts, l.answers()); diff != "" {
			t.Errorf("receipts (-want +got):\n%s", diff)
		}
	})
}

// plan brings the day's bulletins and what they need, but for two that lack it.
func (l *life) plan() {
	for _, x := range []struct {
		id protocol.AiringID
		at string
	}{
		{"sang", "06:00:00"},
		{"xa-mang", "06:40:00"},
		{"thieu", "07:00:00"},
		{"mat", "07:20:00"},
		{"ngo", "08:00:00"},
		{"roi", "09:00:00"},
		{"dien", "10:00:00"},
		{"truoc-lu", "11:00:00"},
		{"thuong", "17:00:00"},
		{"uu-tien", "17:00:00"},
		{"toi", "18:00:00"},
		{"toi-muon", "18:20:00"},
		{"cam", "19:00:00"},
		{"khuya", "21:29:50"},
	} {
		a := l.airing(x.id, []string{"board", "in=" + l.at(x.at).Sub(l.now()).String()})
		a.BoardFor = protocol.MillisOf(l.set(dayMain, l.notice(x.id)).twice())
		if x.id == "uu-tien" {
			a.Class = protocol.ClassPriority
		}
		l.bring(a, x.id != "thieu" && x.id != "mat")
	}
}

// mainTruth is what must stand where bulletins do, or on the whole board.
func (l *life) mainTruth() []stretch {
	const restart = 2 * time.Second // the last good frame within that
	var (
		unset = l.pages(page.Unconfigured(dayMain, "", "bang-dong"))
		name  = l.pages(page.Standby(dayMain, "Thôn Đông"))
		over  = func(title string, drill bool) set { return l.pages(page.Over(dayBoard, title, drill)) }
		on    = func(id protocol.AiringID) set { return l.set(dayMain, l.notice(id)) }
		alarm = func(id protocol.AiringID, at, until string, drill bool) set {
			return l.set(dayBoard, l.warning(id, l.at(at), l.at(until), drill))
		}
		flood, fire  = alarm("lu", "11:00:06", "11:20:00", false), alarm("chay", "13:00:00", "14:00:00", false)
		drill, keyed = alarm("tap", "15:00:00", "15:10:00", true), alarm("khoa", "16:00:00", "17:30:00", false)
		night        = alarm("dem", "23:00:00", "23:05:00", false)
	)
	l.marked(drill, over("Tin tap", true))
	after := func(at string, s set) time.Time { return l.at(at).Add(s.twice()) }
	return []stretch{
		{from: l.at("00:00:00"), set: unset},
		{from: l.at("05:30:43"), set: name}, // asked again at a full minute of the system's clock
		{from: l.at("06:00:00"), set: on("sang")},
		{from: after("06:00:00", on("sang")), set: name},
		{from: l.at("06:40:00"), set: on("xa-mang")}, // a plan needs no network
		{from: after("06:40:00", on("xa-mang")), set: name},
		{from: l.at("07:04:10"), set: on("thieu")}, // when its content has come, within its lateness
		{from: after("07:04:10", on("thieu")), set: name},
		{from: l.at("08:03:20"), set: on("ngo")}, // when the clock is sure
		{from: after("08:03:20", on("ngo")), set: name},
		{from: l.at("09:00:00"), set: on("roi")},
		{from: l.at("09:00:03"), dark: true},
		{from: l.at("09:01:33"), set: name, late: time.Second + slack}, // by itself
		{from: l.at("10:00:00"), set: on("dien")},
		{from: l.at("10:00:05"), dark: true},
		{from: l.at("10:00:12"), set: on("dien")[1:], late: restart}, // its second page would be on
		{from: l.at("10:00:15"), set: on("dien")},                    // rule 7: it restarts
		{from: after("10:00:15", on("dien")), set: name},
		{from: l.at("11:00:00"), set: on("truoc-lu")},
		{from: l.at("11:00:06"), set: flood, whole: true},                                     // rule 4: it takes the board at once
		{from: after("11:00:06", flood), set: on("truoc-lu")},                                 // rule 7, between the passes
		{from: after("11:00:06", flood).Add(on("truoc-lu").twice()), set: flood, whole: true}, // it is valid still
		{from: l.at("11:01:36"), set: flood, whole: true},
		{from: after("11:01:36", flood), set: flood, whole: true},
		{from: l.at("11:20:00"), set: over("Tin lu", false), whole: true},
		{from: l.at("11:21:00"), set: name},
		{from: l.at("13:00:00"), set: fire, whole: true},
		{from: after("13:00:00", fire), set: fire, whole: true},
		{from: l.at("13:10:00"), dark: true},
		{from: l.at("13:10:20"), set: fire, whole: true, late: restart},
		{from: l.at("13:30:30"), set: over("Tin chay", false), whole: true},
		{from: l.at("13:31:30"), set: name},
		{from: l.at("15:00:00"), set: drill, whole: true},
		{from: after("15:00:00", drill), set: drill, whole: true},
		{from: l.at("15:10:00"), set: over("Tin tap", true), whole: true},
		{from: l.at("15:11:00"), set: name},
		{from: l.at("16:00:00"), set: keyed, whole: true},
		{from: after("16:00:00", keyed), set: keyed, whole: true},
		{from: l.at("16:05:05"), set: over("Tin khoa", false), whole: true},
		{from: l.at("16:06:05"), set: name},
		{from: l.at("17:00:00"), set: on("uu-tien")}, // rule 5: priority first
		{from: after("17:00:00", on("uu-tien")), set: on("thuong")},
		{from: after("17:00:00", on("uu-tien")).Add(on("thuong").twice()), set: name},
		{from: l.at("17:55:00"), dark: true},
		{from: l.at("18:25:00"), set: name, late: restart},
		{from: l.at("18:25:03"), set: on("toi-muon")}, // late, within its lateness
		{from: after("18:25:03", on("toi-muon")), set: name},
		{from: l.at("19:02:10"), set: on("cam")}, // held back by the mute
		{from: after("19:02:10", on("cam")), set: name},
		{from: l.at("23:00:00"), set: night, whole: true}, // rule 8: actual emergencies are exempt
		{from: after("23:00:00", night), set: night, whole: true},
		{from: l.at("23:05:00"), set: over("Tin dem", false), whole: true},
		{from: l.at("23:06:00"), set: name},
		{from: l.at("23:59:59"), dark: true},
	}
}

// sideTruth is what must stand beside it: the minute by the device's clock, as far as
// somebody vouches for it.
func (l *life) sideTruth() []stretch {
	name := l.pages(page.Standby(daySide, "Thôn Đông"))
	out := []stretch{
		{from: l.at("00:00:00"), set: l.pages(page.Unconfigured(daySide, "", "bang-dong"))},
		{from: l.at("05:30:43"), set: name},
	}
	unsure := func(at time.Time) bool { return !at.Before(l.at("07:59:00")) && at.Before(l.at("08:03:43")) }
	add := func(at time.Time, late time.Duration) {
		pages := name
		if !unsure(at) {
			pages = l.pages(page.Clock(daySide, "Thôn Đông", at.Truncate(time.Minute)))
		}
		out = append(out, stretch{from: at, set: pages, late: late})
	}
	add(l.at("05:40:43"), 0) // asked again, and sure
	for at := l.at("05:41:00"); at.Before(l.at("24:00:00")); at = at.Add(time.Minute) {
		if add(at, 0); at.Equal(l.at("08:03:00")) {
			add(l.at("08:03:43"), 0)
		}
	}
	return out
}

// dayReceipts are what the device answers for, by SCHEDULE.md: outcome, reason, proof.
var dayReceipts = map[protocol.AiringID]string{
	"sang": "played shown", "xa-mang": "played shown", "thieu": "played shown", "mat": "skipped no content ", "ngo": "played shown",
	"roi": "cut fault shown", "dien": "played shown", "truoc-lu": "played shown", "lu": "played shown", "chay": "played shown",
	"tap": "played shown", "khoa": "played shown", "uu-tien": "played shown", "thuong": "played shown", "toi": "skipped off ",
	"toi-muon": "played shown", "cam": "played shown", "khuya": "skipped quiet hours ", "tap-dem": "skipped quiet hours ", "dem": "played shown",
}
