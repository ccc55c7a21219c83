package reach

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol"
)

// An airing that another one has replaced owes nothing from that one's publication
// on, where devices have both; a start that the old one was answered for is not owed
// by the new one.
func TestWhatWasReplacedIsOwedOnce(t *testing.T) {
	day := func(n, hour int) time.Time { return time.Date(2026, 12, n, hour, 0, 0, 0, time.UTC) }
	airing := func(id, replaces protocol.AiringID, published time.Time, units ...protocol.UnitID) Aired {
		return Aired{Units: units, Airing: protocol.Airing{
			ID: id, Class: protocol.ClassNormal, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY;COUNT=4", SoundFor: 60_000, Lateness: 600_000,
			Published: protocol.InstantOf(published), Replaces: replaces,
		}}
	}
	device := func(id protocol.DeviceID, units ...protocol.UnitID) Placed {
		return Placed{Device: id, Media: []protocol.Medium{protocol.MediumSound}, Placements: []protocol.Placement{{Path: units}}}
	}
	first := airing("a", "", day(1, 0), "xa", "thon")
	second := airing("b", "a", day(2, 12), "xa")
	third := airing("c", "b", day(3, 12), "xa")
	devices := []Placed{device("in", "xa"), device("late", "xa"), device("below", "other", "thon")}
	answer := func(airing protocol.AiringID, device protocol.DeviceID, n int) (Key, Answer) {
		return Key{airing, device, protocol.MediumSound, day(n, 5).UnixMilli()}, Answer{Outcome: protocol.OutcomePlayed, Proof: protocol.ProofConsumed}
	}
	answers := map[Key]Answer{}
	for _, x := range []struct {
		airing protocol.AiringID
		day    int
	}{{"a", 1}, {"a", 2}, {"a", 3}, {"a", 4}} { // it learned of the others after all that
		k, a := answer(x.airing, "late", x.day)
		answers[k] = a
	}
	all := map[protocol.AiringID]*Aired{"a": &first, "b": &second, "c": &third}
	for _, x := range []struct {
		of   Aired
		want []string
	}{
		{first, []string{"a in 1", "a in 2", "a late 1", "a late 2", "a late 3", "a late 4", "a below 1", "a below 2", "a below 3", "a below 4"}},
		{second, []string{"b in 3"}},
		{third, []string{"c in 4"}},
	} {
		beside := Beside([]Aired{x.of}, all)
		if len(beside) != 2 {
			t.Errorf("beside %s are %d", x.of.ID, len(beside))
		}
		in, err := Gather([]Aired{x.of}, beside, devices, answers, time.UTC, day(5, 0))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range in.Expected {
			got = append(got, fmt.Sprintf("%s %s %d", e.Airing, e.Device, e.Start.Day()))
		}
		slices.Sort(got)
		slices.Sort(x.want)
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("of %s: %s", x.of.ID, diff)
		}
	}
}

// Whom a device served is asked as of its first start, in whichever order airings come.
func TestADeviceServesWhomItServedAtItsFirstStart(t *testing.T) {
	day := func(n int) protocol.Instant { return protocol.InstantOf(time.Date(2026, 12, n, 5, 0, 0, 0, time.UTC)) }
	airing := func(id protocol.AiringID, start string) Aired {
		return Aired{Units: []protocol.UnitID{"xa"}, Airing: protocol.Airing{
			ID: id, Class: protocol.ClassNormal, Start: start, SoundFor: 60_000, Lateness: 600_000, Published: day(1),
		}}
	}
	at := func(village protocol.UnitID, from protocol.Instant) protocol.Placement {
		return protocol.Placement{From: from, Path: []protocol.UnitID{"xa"}, Serves: []protocol.Share{{Village: village, Share: 1000}}}
	}
	devices := []Placed{{Device: "d", Media: []protocol.Medium{protocol.MediumSound}, Placements: []protocol.Placement{at("dong", day(1)), at("doai", day(3))}}}
	for _, aired := range [][]Aired{
		{airing("a", "2026-12-02T05:00:00"), airing("b", "2026-12-04T05:00:00")},
		{airing("b", "2026-12-04T05:00:00"), airing("a", "2026-12-02T05:00:00")},
	} {
		in, err := Gather(aired, nil, devices, nil, time.UTC, day(5).Time())
		if err != nil {
			t.Fatal(err)
		}
		if got := in.Serves["d"]; len(in.Expected) != 2 || len(got) != 1 || got[0].Village != "dong" {
			t.Errorf("%s first: serves %v at %d starts", aired[0].ID, got, len(in.Expected))
		}
	}
}
