package schedule

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Forecast returns what becomes of every start from one instant to another if
// nothing happens to the device: the timeline without events. Airings that have
// not arrived at from are taken when they do. The bounds of cfg are not read.
// Its error is a *FieldError.
func Forecast(cfg Config, airings []Airing, from, to time.Time) ([]Final, error) {
	cfg.From, cfg.To, cfg.MaxLag = from, to, 0
	m, err := run(cfg, airings, nil)
	if err != nil {
		return nil, err
	}
	all := m.outcomes()
	finals := make([]Final, len(all))
	for i, o := range all {
		finals[i] = m.final(o)
	}
	return finals, nil
}

// ForecastAll returns the forecasts of several devices of one zone, by their
// places in the list. airings are those of all units: each device has those of
// its path, copies of one airing merged at their highest unit. Devices that have
// the same airings at the same depths and the same quiet hours are worked out
// once and share a slice. Bounds and judges of the configurations are not read.
// Its error is a *FieldError.
func ForecastAll(devices []Config, airings []Airing, from, to time.Time) ([][]Final, error) {
	out := make([][]Final, len(devices))
	known := map[string][]Final{}
	for i, cfg := range devices {
		cfg.Judge = nil
		reaching, depths := reach(cfg.Path, airings)
		key := likeness(cfg, reaching, depths)
		finals, ok := known[key]
		if !ok {
			own := make([]Airing, len(reaching))
			for j, at := range reaching {
				own[j] = airings[at]
			}
			var err error
			if finals, err = Forecast(cfg, own, from, to); err != nil {
				return nil, err
			}
			known[key] = finals
		}
		out[i] = finals
	}
	return out, nil
}

// reach returns the places of the airings that a path has, and their depths; of
// several copies the highest.
func reach(path []protocol.UnitID, airings []Airing) (at, depths []int) {
	places := make(map[protocol.AiringID]int, len(airings))
	for i := range airings {
		depth := slices.Index(path, airings[i].Unit)
		if depth < 0 {
			continue
		}
		j, twice := places[airings[i].ID]
		switch {
		case !twice:
			places[airings[i].ID] = len(at)
			at, depths = append(at, i), append(depths, depth)
		case depth < depths[j]:
			at[j], depths[j] = i, depth
		}
	}
	return at, depths
}

// likeness is the same for devices whose timelines without events are the same.
func likeness(cfg Config, at, depths []int) string {
	var key []byte
	if cfg.Zone != nil {
		key = append(key, cfg.Zone.String()...)
	}
	key = append(key, 0)
	for _, p := range NewQuiet(cfg.Zone, cfg.Path, cfg.Quiet).periods {
		key = binary.AppendVarint(key, int64(p.Start))
		key = binary.AppendVarint(key, int64(p.End))
	}
	key = binary.AppendVarint(key, -1) // no period begins so
	for i := range at {
		key = binary.AppendVarint(key, int64(at[i]))
		key = binary.AppendVarint(key, int64(depths[i]))
	}
	return string(key)
}
