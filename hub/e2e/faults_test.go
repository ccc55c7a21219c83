package e2e

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// frame is how long a frame of sound lasts, at protocol.SoundRate.
const frame = time.Second / protocol.SoundRate

// spokenText returns a bulletin's content that is said so many times.
func spokenText(times int) bulletin.Content {
	return bulletin.Content{Text: text, Options: bulletin.SoundOptions{Wanted: true, Repeat: times}}
}

// begun waits until a device has begun a bulletin.
func (w *world) begun(d *device, b bulletin.Bulletin) {
	w.t.Helper()
	w.until(string(d.id)+" plays", func() bool { return d.playing(w, b) })
}

// written returns how much sound stands in the data of a WAV file that may still
// be open.
func (d *device) written(path string) time.Duration {
	d.t.Helper()
	info, err := os.Stat(path)
	must(d.t, err)
	return max(0, time.Duration((info.Size()-44)/2)*frame)
}

// only returns the single file of sound of a bulletin's only airing.
func (w *world) only(d *device, b bulletin.Bulletin) string {
	w.t.Helper()
	files := d.wavs(w.report(b).Lines[0].Airing)
	if len(files) != 1 {
		w.t.Fatalf("%s sounded in %d stretches, want 1", d.id, len(files))
	}
	return files[0]
}

// whole waits until a device has written as much sound as the bulletin has, and
// checks that it is the bulletin.
func (w *world) whole(d *device, b bulletin.Bulletin) {
	w.t.Helper()
	want := w.decoded(b)
	w.until(string(d.id)+" has played the whole", func() bool {
		return d.written(w.only(d, b)) >= time.Duration(len(want))*frame
	})
	w.until("the file is finished", func() bool {
		head := readAll(w.t, w.only(d, b))[:44]
		return binary.LittleEndian.Uint32(head[40:]) >= uint32(2*len(want))
	})
	same(w.t, string(d.id), heard(w.t, w.only(d, b)), want)
}

// same compares sound, sample by sample. A machine too busy to decode in time
// leaves silence between samples, as on a real card; nothing may be missing.
func same(t *testing.T, name string, got, want []int16) {
	t.Helper()
	k, silent := 0, 0
	for i, v := range got {
		switch {
		case k < len(want) && v == want[k]:
			k++
		case v == 0:
			silent++
		default:
			t.Errorf("%s: frame %d of %d is none of the bulletin's %d", name, i, len(got), len(want))
			return
		}
	}
	if k != len(want) {
		t.Errorf("%s: %d frames of %d are missing", name, len(want)-k, len(want))
	}
	if silent > 0 {
		t.Logf("%s: %s of silence in between", name, time.Duration(silent)*frame)
	}
}

// receipts returns what stands in devices' chains for a bulletin's occurrences.
func (w *world) receipts(b bulletin.Bulletin) map[reach.Key][]protocol.Receipt {
	w.t.Helper()
	devices, err := w.Registry.Devices(w.t.Context())
	must(w.t, err)
	m, err := w.DB.Material(w.t.Context(), devices, reach.Media)
	must(w.t, err)
	out := map[reach.Key][]protocol.Receipt{}
	frozen, err := w.Bulletins.Get(w.t.Context(), w.actor("soan"), b.ID)
	must(w.t, err)
	for _, e := range m.Entries {
		entry, err := protocol.Unmarshal[protocol.Entry](e.Bytes, protocol.MaxControl)
		must(w.t, err)
		if r := entry.Receipt; r != nil && r.Bulletin == frozen.Digest {
			k := reach.Key{Airing: r.Airing, Device: e.Device, Medium: r.Medium, Start: int64(r.Start)}
			out[k] = append(out[k], *r)
		}
	}
	return out
}

// countedOnce checks that each occurrence of a bulletin has one receipt and one
// outcome, and that the figure follows from the signed material.
func (w *world) countedOnce(b bulletin.Bulletin, want reach.Count, problems ...string) {
	w.t.Helper()
	r := w.report(b)
	if diff := cmp.Diff(want, r.Count); diff != "" {
		w.t.Errorf("count (-want +got):\n%s", diff)
	}
	receipts := w.receipts(b)
	for k, list := range receipts {
		if len(list) != 1 {
			w.t.Errorf("%v: %d receipts, want 1", k, len(list))
		}
	}
	if len(receipts) != want.Expected {
		w.t.Errorf("receipts of %d occurrences, want %d", len(receipts), want.Expected)
	}
	v := w.verified()
	if !slices.Equal(v.Problems, problems) {
		w.t.Errorf("verify: %q, want %q", v.Problems, problems)
	}
	for _, vb := range v.Bulletins {
		if vb.ID == b.ID && vb.Count != r.Count {
			w.t.Errorf("verify counts %+v, the hub %+v", vb.Count, r.Count)
		}
	}
}

// airing returns a bulletin's only airing.
func (w *world) airing(b bulletin.Bulletin) protocol.AiringID {
	w.t.Helper()
	list, err := w.Programme.List(w.t.Context(), w.actor("soan"), time.Time{})
	must(w.t, err)
	for _, a := range list {
		if a.Bulletin == b.ID {
			return a.Wire.ID
		}
	}
	w.t.Fatalf("%s is not on air", b.ID)
	return ""
}

// later is a start a few seconds from now, as a wish writes it.
func (w *world) later(d time.Duration) (start time.Time, wish string) {
	start = time.Now().Add(d).Truncate(time.Second).In(w.Zone)
	return start, start.Format("2006-01-02T15:04:05")
}

// What plays goes on without the network; its receipt arrives when the network
// is back, however often it was lost, and counts once.
func TestANetworkLostDuringPlayLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var n network
	d := w.device(speaker("loa-dong", "thon-dong", 1000), cable(&n))
	w.online(d)
	b := w.ready(spokenText(4))
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.begun(d, b)
	n.cut()
	w.offline(d)
	n.mend()
	w.online(d)
	if len(w.receipts(b)) != 0 {
		t.Fatal("the bulletin had ended before the network was given back")
	}
	n.cut()
	w.offline(d)
	w.whole(d, b)
	if c := w.report(b).Count; c.Ahead != 1 || c.Played != 0 {
		t.Errorf("count %+v while the device is offline, want ahead", c)
	}
	n.mend()
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
}

// A device that holds its plan plays it at its time with no network, and says so
// afterwards.
func TestAPlanPlaysOnScheduleWithoutANetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var n network
	d := w.device(speaker("loa-dong", "thon-dong", 1000), cable(&n))
	w.online(d)
	b := w.ready(spokenText(1))
	start, wish := w.later(9 * time.Second)
	w.air(b, bulletin.Wish{When: bulletin.At, Volume: 100, Start: wish}, "duyet1")
	w.holds(d)
	n.cut()
	w.offline(d)
	if !time.Now().Before(start) {
		t.Fatal("the plan came too late for this test")
	}
	w.begun(d, b)
	w.whole(d, b)
	n.mend()
	r := w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
	if late := r.Lines[0].Answer.Began.Sub(start); late < 0 || late > 500*time.Millisecond {
		t.Errorf("began %s after its time", late)
	}
}

// Rule 7 after a power cut: a killed agent plays again from the beginning, or
// goes on where it was, within the window; the occurrence has one outcome.
func TestAKilledAgentPlaysAgainWithinTheWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		after string
		id    protocol.DeviceID
		unit  protocol.UnitID
		whole bool // the second stretch is the whole bulletin
	}{
		{"restart", "loa-dong", "thon-dong", true},
		{"resume", "loa-doai", "thon-doai", false},
	} {
		t.Run(tc.after, func(t *testing.T) {
			t.Parallel()
			w := w.in(t)
			d := w.enrolled(speaker(tc.id, tc.unit, 1000))
			kill := d.process()
			w.online(d)
			b := w.ready(spokenText(3))
			w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100, AfterCut: tc.after, Units: []protocol.UnitID{tc.unit}}, "duyet1")
			w.begun(d, b)
			first := w.only(d, b)
			w.until("6 s are played", func() bool { return d.written(first) > 6*time.Second })
			kill()
			d.process()
			r := w.settled(b, 1)
			w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
			files := d.wavs(r.Lines[0].Airing)
			if len(files) != 2 {
				t.Fatalf("sounded in %d stretches, want 2", len(files))
			}
			want := w.decoded(b)
			got := heard(t, files[1])
			if !tc.whole {
				// The position is stored each 5 s, and 2 s are said again.
				gone := time.Duration(len(want)-len(got)) * frame
				if gone <= 0 || gone > 7*time.Second {
					t.Fatalf("went on %s from the beginning", gone)
				}
				// Decoded from the middle on, the first 80 ms may differ.
				skip := protocol.SoundRate / 10
				want, got = want[len(want)-len(got)+skip:], got[skip:]
			}
			same(t, "the second stretch", got, want)
		})
	}
}

// What plays does not need the hub; a restarted hub gets every receipt and counts
// it once.
func TestAHubRestartedDuringPlayGetsItsReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dong, doai := w.device(speaker("loa-dong", "thon-dong", 1000)), w.device(speaker("loa-doai", "thon-doai", 1000))
	w.online(dong, doai)
	b := w.ready(spokenText(2))
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.begun(dong, b)
	w.begun(doai, b)
	file, want := w.only(dong, b), time.Duration(len(w.decoded(b)))*frame
	w.stop()
	w.until("the bulletin is played", func() bool { return dong.written(file) >= want })
	began := time.Now()
	w.start()
	t.Logf("hub serves again after %s", time.Since(began))
	w.settled(b, 2)
	w.countedOnce(b, reach.Count{Expected: 2, Played: 2})
	w.whole(dong, b)
}

// DỪNG silences at once; what it silenced can be taken back.
func TestAStopSilencesAtOnceAndCanBeTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	b := w.ready(spokenText(2))
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.begun(d, b)
	first := w.only(d, b)
	w.until("a second is played", func() bool { return d.written(first) > time.Second })

	asked := time.Now()
	stops, err := w.Programme.Stop(t.Context(), w.actor("duyet1"), commune, "")
	must(t, err)
	if len(stops) != 1 {
		t.Fatalf("%d stops, want 1", len(stops))
	}
	r := w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Cut: 1})
	a := r.Lines[0].Answer
	if a.Reason != protocol.ReasonStopped {
		t.Errorf("cut by %s, want stopped", a.Reason)
	}
	silence := a.Ended.Sub(asked)
	t.Logf("stop to silence: %s", silence)
	// What is promised on a busy machine; how soon it is at rest, make bench measures.
	if silence > time.Second {
		t.Errorf("silent %s after the stop", silence)
	}
	size := len(readAll(t, first))
	if long := d.written(first); a.Began.Add(long).After(asked.Add(time.Second)) {
		t.Errorf("%s of sound were written, the stop came after %s", long, asked.Sub(a.Began))
	}

	again, err := w.Programme.TakeBack(t.Context(), w.actor("duyet1"), stops[0].ID)
	must(t, err)
	if len(again) != 1 {
		t.Fatalf("%d airings were taken back, want 1", len(again))
	}
	if _, err := w.Programme.TakeBack(t.Context(), w.actor("duyet1"), stops[0].ID); code(err) != "taken-back-already" {
		t.Errorf("taken back twice: %v", err)
	}
	w.settled(b, 2)
	w.countedOnce(b, reach.Count{Expected: 2, Cut: 1, Played: 1})
	files := d.wavs(again[0].Wire.ID)
	if len(files) != 1 {
		t.Fatalf("what was taken back sounded in %d stretches, want 1", len(files))
	}
	same(t, "what was taken back", heard(t, files[0]), w.decoded(b))
	if len(readAll(t, first)) != size {
		t.Error("what was stopped went on")
	}
}

// An airing that is withdrawn before its start vanishes: nobody owes an outcome.
func TestAnAiringWithdrawnBeforeItsStartVanishes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	gone, stays := w.ready(spokenText(1)), w.ready(spokenText(1))
	start, wish := w.later(9 * time.Second)
	w.air(gone, bulletin.Wish{When: bulletin.At, Volume: 100, Start: wish}, "duyet1")
	w.air(stays, bulletin.Wish{When: bulletin.At, Volume: 100, Start: start.Add(time.Second).Format("2006-01-02T15:04:05")}, "duyet1")
	w.holds(d)
	airing := w.airing(gone)
	must(t, w.Programme.Withdraw(t.Context(), w.actor("soan"), airing))
	if !time.Now().Before(start) {
		t.Fatal("the plan came too late for this test")
	}
	if err := w.Programme.Withdraw(t.Context(), w.actor("soan"), airing); code(err) != "withdrawn-already" {
		t.Errorf("withdrawn twice: %v", err)
	}
	// The one behind it begins at its own time: nothing was on before.
	r := w.settled(stays, 1)
	if late := r.Lines[0].Answer.Began.Sub(start.Add(time.Second)); late > 500*time.Millisecond {
		t.Errorf("the next one began %s late", late)
	}
	w.countedOnce(gone, reach.Count{})
	if files := d.wavs(airing); len(files) > 0 {
		t.Errorf("what was withdrawn sounded: %v", files)
	}
}

// A second airing within an approval needs no new one; what lies outside is
// refused and airs nothing.
func TestAnotherAiringStaysWithinItsApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	b := w.ready(spokenText(1))
	req := w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100, Units: []protocol.UnitID{"thon-dong"}, PlaysPerDay: 2}, "duyet1")
	w.settled(b, 1)

	tomorrow := time.Now().Add(72 * time.Hour).In(w.Zone).Format("2006-01-02T15:04:05")
	for name, wish := range map[string]bulletin.Wish{
		"another unit":     {When: bulletin.Now, Units: []protocol.UnitID{"thon-doai"}},
		"the whole above":  {When: bulletin.Now, Units: []protocol.UnitID{commune}},
		"after its days":   {When: bulletin.At, Start: tomorrow},
		"in quiet hours":   {When: bulletin.Now, Night: true, NightReason: "Họp gấp"},
		"as a drill of it": {When: bulletin.Now, Drill: true},
	} {
		before := w.report(b).Count.Expected
		_, err := w.Programme.Again(t.Context(), w.actor("soan"), req.Digest, wish)
		if c := code(err); c != "outside-approval" && (name != "as a drill of it" || c == "") {
			t.Errorf("%s: %v", name, err)
		}
		if after := w.report(b).Count.Expected; after != before {
			t.Errorf("%s: %d expected, before %d", name, after, before)
		}
	}
	if _, err := w.Programme.Again(t.Context(), w.actor("soan"), req.Digest, bulletin.Wish{When: bulletin.Now, Volume: 100}); err != nil {
		t.Fatal(err)
	}
	w.settled(b, 2)
	w.countedOnce(b, reach.Count{Expected: 2, Played: 2})

	// The approval allows two whole plays a day.
	if _, err := w.Programme.Again(t.Context(), w.actor("soan"), req.Digest, bulletin.Wish{When: bulletin.Now, Volume: 100}); code(err) != "plays-used-up" {
		t.Errorf("a third play: %v", err)
	}
	w.countedOnce(b, reach.Count{Expected: 2, Played: 2})
}

// Rule 8: quiet hours hold on the device for what was approved, relays included, and for
// drills; an actual emergency is exempt.
func TestQuietHoursHoldOnTheDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config.Config) {
		c.Zone = midday()
		c.Relay.Stations = map[string]string{"chet": "http://127.0.0.1:1/stream Đài không có"}
	})
	w.quiet("thon-dong", w.around(-5*time.Minute, time.Hour))
	quiet, loud := w.device(speaker("loa-dong", "thon-dong", 1000)), w.device(speaker("loa-doai", "thon-doai", 1000))
	w.online(quiet, loud)
	w.holds(quiet)
	said := bulletin.SoundOptions{Wanted: true}
	notice := w.ready(spokenText(1))
	drill := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Text: "Tập di dời.", Options: bulletin.SoundOptions{Wanted: true, Drill: true}})
	actual := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Text: "Nước lũ đang lên.", Options: said})
	relay, err := w.Streams().Create(t.Context(), w.actor("soan"), api.NewRelay{
		Unit: commune, Class: protocol.ClassPriority, Station: "chet", Length: time.Minute, From: 0, To: 24 * 60, Silence: 3 * time.Second,
	})
	must(t, err)
	w.air(relay, bulletin.Wish{When: bulletin.Now, Lateness: 1}, "duyet1")
	w.air(notice, bulletin.Wish{When: bulletin.Now, Lateness: 1}, "duyet1")
	w.air(actual, bulletin.Wish{When: bulletin.Now, Passes: 1}, "duyet1", "duyet2")
	w.settled(actual, 2)
	w.countedOnce(actual, reach.Count{Expected: 2, Played: 2})
	w.air(drill, bulletin.Wish{When: bulletin.Now, Drill: true, Passes: 1, Validity: 1}, "duyet1", "duyet2")
	// There is nothing to hear of that station; where it may sound, that is a fault.
	for _, l := range w.settled(relay, 2).Lines {
		want := protocol.ReasonFault
		if l.Device == quiet.id {
			want = protocol.ReasonQuietHours
		}
		if l.Answer.Reason != want {
			t.Errorf("relay on %s: %s (%s), want %s", l.Device, l.Answer.Outcome, l.Answer.Reason, want)
		}
	}
	for name, b := range map[string]bulletin.Bulletin{"notice": notice, "drill": drill} {
		r := w.settled(b, 2)
		w.countedOnce(b, reach.Count{Expected: 2, Played: 1, Skipped: 1})
		for _, l := range r.Lines {
			want := protocol.ReasonNone
			if l.Device == quiet.id {
				want = protocol.ReasonQuietHours
			}
			if l.Answer.Reason != want {
				t.Errorf("%s on %s: %s %s, want reason %q", name, l.Device, l.Answer.Outcome, l.Answer.Reason, want)
			}
		}
	}
}
