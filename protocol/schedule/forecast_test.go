package schedule

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loa-vn/loa/protocol"
)

// targetGroups are communes of a province, each with its own airings beside the
// province's, and devices in their villages.
func targetGroups(tb testing.TB, groups, devices, airings int, from time.Time) ([]Config, []Airing) {
	tb.Helper()
	zone := benchZone(tb)
	configs := make([]Config, devices)
	for i := range configs {
		xa := protocol.UnitID(fmt.Sprintf("xa%d", i%groups))
		thon := protocol.UnitID(fmt.Sprintf("thon%d", i))
		configs[i] = Config{Zone: zone, Path: []protocol.UnitID{"tinh", xa, thon}, Quiet: []QuietPeriod{{Unit: xa, Start: 21*60 + 30 - i%groups, End: 5 * 60}}}
	}
	var all []Airing
	for i, a := range dailyAirings(tb, airings, from) {
		if i%2 == 0 { // of the province
			a.Unit = "tinh"
			all = append(all, a)
			continue
		}
		for g := range groups { // one airing for a group of units stands in each
			a.Unit = protocol.UnitID(fmt.Sprintf("xa%d", g))
			all = append(all, a)
		}
	}
	return configs, all
}

// TestForecastAllIsEachForecast: devices that share a forecast have that which
// each would have alone.
func TestForecastAllIsEachForecast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, input, g := drawPlan(t)
		devices := []Config{p.config, p.config}
		for range 4 {
			cfg := p.config
			cfg.Path = p.config.Path[:1+g.rng.IntN(len(p.config.Path))]
			if g.chance(50) {
				cfg.Quiet = nil
			}
			devices = append(devices, cfg)
		}
		for _, a := range p.airings {
			if a.Unit != p.config.Path[0] && g.chance(30) { // a copy at a higher unit
				a.Unit = p.config.Path[0]
				p.airings = append(p.airings, a)
			}
		}
		got, err := ForecastAll(devices, p.airings, p.config.From, p.config.To)
		if err != nil {
			t.Fatal(err)
		}
		for i, cfg := range devices {
			highest := map[protocol.AiringID]Airing{}
			for depth := len(cfg.Path) - 1; depth >= 0; depth-- {
				for _, a := range p.airings {
					if a.Unit == cfg.Path[depth] {
						highest[a.ID] = a
					}
				}
			}
			var own []Airing
			for _, a := range highest {
				own = append(own, a)
			}
			want, err := Forecast(cfg, own, p.config.From, p.config.To)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got[i]); diff != "" {
				t.Fatalf("device %d\n%s\n%s", i, diff, input)
			}
		}
	})
}

// TestForecastAllSharesWithinGroups: 120 devices in six target groups are six
// forecasts.
func TestForecastAllSharesWithinGroups(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, benchZone(t))
	devices, airings := targetGroups(t, 6, 120, 4, from)
	got, err := ForecastAll(devices, airings, from, from.AddDate(0, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	shared := map[*Final]int{}
	for _, finals := range got {
		if len(finals) != 4*2 {
			t.Fatalf("%d outcomes, want 8", len(finals))
		}
		shared[&finals[0]]++
	}
	if len(shared) != 6 {
		t.Errorf("%d forecasts for six target groups", len(shared))
	}
}

// TestForecastAllRefusesWhatForecastRefuses: by the field's name.
func TestForecastAllRefusesWhatForecastRefuses(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, benchZone(t))
	devices, airings := targetGroups(t, 1, 1, 1, from)
	airings[0].Length = 0
	if _, err := ForecastAll(devices, airings, from, from.AddDate(0, 0, 2)); err == nil || err.Error() != "length: not 1 ms to 24 hours" {
		t.Errorf("length 0: %v", err)
	}
	devices[0].Zone = nil
	if _, err := ForecastAll(devices, airings, from, from.AddDate(0, 0, 2)); err == nil || err.Error() != "zone: missing" {
		t.Errorf("no zone: %v", err)
	}
}

// BenchmarkYearOfTargetGroups is the forecast for a year of 40 airings a day on
// 120 devices in six target groups.
func BenchmarkYearOfTargetGroups(b *testing.B) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, benchZone(b))
	devices, airings := targetGroups(b, 6, 120, 40, from)
	b.ReportAllocs()
	for b.Loop() {
		all, err := ForecastAll(devices, airings, from, from.AddDate(1, 0, 0))
		if err != nil || len(all) != 120 || len(all[119]) != 40*365 {
			b.Fatal(len(all), err)
		}
	}
}
