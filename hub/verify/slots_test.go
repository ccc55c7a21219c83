package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// A relay is approved for a part of the day and a length: what a device signs
// about any other is named.
func TestRelaysOutsideOfTheirSlotAreNamed(t *testing.T) {
	zone := time.FixedZone("ICT", 7*3600)
	slot := protocol.Relay{Length: protocol.MillisOf(30 * time.Minute), From: 5 * 60, To: 6 * 60}
	for _, c := range []struct {
		name                string
		start, began, ended string // of the day
		want                string // "" for nothing
	}{
		{"as approved", "05:00", "05:00", "05:30", ""},
		{"begun late, within its lateness", "05:00", "05:05", "05:35", ""},
		{"before the slot", "04:30", "04:30", "05:00", "outside of its slot"},
		{"beyond the slot", "05:50", "05:50", "05:55", "outside of its slot"},
		{"before its start", "05:10", "05:05", "05:30", "outside of its window"},
		{"beyond its window", "05:00", "05:00", "05:45", "outside of its window"},
		{"longer than approved", "05:00", "05:01", "05:36", "approved are 30m0s"},
		{"never begun", "23:00", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := func(clock string) time.Time {
				if clock == "" {
					return time.Time{}
				}
				day, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-26 "+clock, zone)
				if err != nil {
					t.Fatal(err)
				}
				return day
			}
			k := reach.Key{Airing: "lp", Device: "loa", Medium: protocol.MediumSound, Start: at(c.start).UnixMilli()}
			v := checker{
				Material: Material{Zone: zone},
				airings:  map[protocol.AiringID]*reach.Aired{"lp": {Airing: protocol.Airing{SoundFor: slot.Length, Lateness: protocol.MillisOf(10 * time.Minute)}}},
				relays:   map[protocol.AiringID]protocol.Relay{"lp": slot}, answered: map[protocol.AiringID][]reach.Key{"lp": {k}},
			}
			v.Outcomes = map[reach.Key]reach.Answer{k: {Began: at(c.began), Ended: at(c.ended)}}
			v.slots()
			if got := strings.Join(v.Problems, "; "); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("problems %q, want %q", got, c.want)
			}
		})
	}
}
