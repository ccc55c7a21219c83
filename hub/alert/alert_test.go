package alert_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/protocol"
)

func TestSilenceIsJudgedWithItsReason(t *testing.T) {
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	slot := func(due time.Duration, known, played bool, r protocol.Reason) alert.Slot {
		return alert.Slot{Due: ago(due), Known: known, Played: played, Reason: r}
	}
	for _, c := range []struct {
		name string
		h    alert.Heard
		want string // "" for no alert
		from time.Time
	}{
		{"not enrolled", alert.Heard{}, "", time.Time{}},
		{"enrolled just now", alert.Heard{Enrolled: ago(time.Minute)}, "", time.Time{}},
		{"never heard", alert.Heard{Enrolled: ago(time.Hour)}, alert.ReasonNeverHeard, ago(time.Hour)},
		{"offline for a moment", alert.Heard{Enrolled: ago(time.Hour), At: ago(5 * time.Minute)}, "", time.Time{}},
		{"offline", alert.Heard{Enrolled: ago(time.Hour), At: ago(16 * time.Minute)}, alert.ReasonOffline, ago(16 * time.Minute)},
		{"connected without a word", alert.Heard{Enrolled: ago(time.Hour), Online: true, At: ago(20 * time.Minute)}, alert.ReasonMute, ago(20 * time.Minute)},
		{"well", alert.Heard{Enrolled: ago(time.Hour), Online: true, At: ago(time.Second)}, "", time.Time{}},
		{"one slot missed", alert.Heard{
			Enrolled: ago(time.Hour), Online: true, At: now,
			Slots: []alert.Slot{slot(time.Hour, false, false, 0), slot(13*time.Hour, true, true, 0)},
		}, "", time.Time{}},
		{"two slots without receipts", alert.Heard{
			Enrolled: ago(time.Hour), Online: true, At: now,
			Slots: []alert.Slot{slot(time.Hour, false, false, 0), slot(13*time.Hour, false, false, 0), slot(25*time.Hour, true, true, 0)},
		}, alert.ReasonNoReceipts, ago(13 * time.Hour)},
		{"two slots skipped", alert.Heard{
			Enrolled: ago(time.Hour), Online: true, At: now,
			Slots: []alert.Slot{slot(time.Hour, true, false, protocol.ReasonNoContent), slot(13*time.Hour, true, false, protocol.ReasonNoContent)},
		}, alert.ReasonNotPlayed + ":no content", ago(13 * time.Hour)},
		{"muted on purpose", alert.Heard{
			Enrolled: ago(time.Hour), Online: true, At: now,
			Slots: []alert.Slot{slot(time.Hour, true, false, protocol.ReasonMuted), slot(13*time.Hour, true, false, protocol.ReasonFault)},
		}, "", time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.h.Device = "loa"
			var want *alert.Alert
			if c.want != "" {
				want = &alert.Alert{Kind: alert.Silent, Device: "loa", Reason: c.want, Since: c.from}
			}
			got := alert.Judge(c.h, 15*time.Minute, now)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range []alert.Alert{
		{Kind: alert.Silent, Reason: alert.ReasonNeverHeard},
		{Kind: alert.Silent, Reason: alert.ReasonOffline},
		{Kind: alert.Silent, Reason: alert.ReasonMute},
		{Kind: alert.Silent, Reason: alert.ReasonNoReceipts},
		{Kind: alert.Silent, Reason: alert.ReasonNotPlayed + ":fault"},
		{Kind: alert.Conflict},
		{Kind: alert.Gap, First: 3, Last: 7},
		{Kind: alert.Lost, First: 3, Last: 7},
		{Kind: alert.Ahead},
		{Kind: alert.Fault, Reason: "space"},
		{Kind: alert.Fault, Reason: "sound"},
	} {
		vi, en := a.Text()
		if vi == "" || en == "" || seen[vi] || seen[en] {
			t.Errorf("%s %s: %q, %q", a.Kind, a.Reason, vi, en)
		}
		seen[vi], seen[en] = true, true
	}
}

// A village is silent if none of its devices has proved anything in two slots, and
// nobody wanted it so.
func TestVillagesSilentForTwoSlots(t *testing.T) {
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	played := alert.Slot{Due: now.Add(-time.Hour), Known: true, Played: true}
	silent := alert.Slot{Due: now.Add(-time.Hour)}
	earlier := alert.Slot{Due: now.Add(-13 * time.Hour)}
	muted := alert.Slot{Due: now.Add(-time.Hour), Known: true, Reason: protocol.ReasonMuted}
	got := alert.Villages([]alert.Heard{
		{Device: "a", Serves: []protocol.UnitID{"dong", "doai"}, Slots: []alert.Slot{silent, earlier}},
		{Device: "b", Serves: []protocol.UnitID{"doai"}, Slots: []alert.Slot{played, earlier}},
		{Device: "c", Serves: []protocol.UnitID{"dong"}, Slots: []alert.Slot{silent, silent}},
		{Device: "new", Serves: []protocol.UnitID{"dong", "moi"}, Slots: []alert.Slot{silent}},
		{Device: "d", Serves: []protocol.UnitID{"trung"}, Slots: []alert.Slot{muted, earlier}},
		{Device: "e", Serves: []protocol.UnitID{"thuong"}, Slots: []alert.Slot{silent, earlier, played}},
	})
	want := []alert.Village{
		{Unit: "dong", Devices: 2, Since: earlier.Due},
		{Unit: "thuong", Devices: 1, Since: earlier.Due},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
