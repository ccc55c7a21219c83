package notebook

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// collection is what is kept of GeoJSON (RFC 7946): areas and points of villages.
type collection struct {
	Type     string    `json:"type"`
	Features []feature `json:"features"`
}

type feature struct {
	Type       string     `json:"type"`
	Properties properties `json:"properties"`
	Geometry   geometry   `json:"geometry"`
}

// properties name the village; whatever else stood there is left out.
type properties struct {
	Unit protocol.UnitID `json:"unit,omitempty"`
	Name string          `json:"name,omitempty"`
}

type geometry struct {
	Type        string          `json:"type"`
	Coordinates json.RawMessage `json:"coordinates"`
}

// maxCorners of all areas of a map.
const maxCorners = 20000

func badMap(vi, en string) error {
	return problem.New(problem.ErrInvalid, "bad-map", "geojson", vi, en)
}

// checkMap reads GeoJSON and returns what is kept of it: areas and points that
// belong to one of units, or to none yet, with all numbers finite.
func checkMap(text string, units []protocol.UnitID) (string, error) {
	if len(text) > MaxMap {
		return "", problem.New(problem.ErrTooLarge, "map-too-large", "geojson", "Bản đồ quá 1 MB. Hãy giảm số điểm.", "The map is over 1 MB. Use fewer points.")
	}
	var c collection
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.Type != "FeatureCollection" {
		return "", badMap("Tệp không phải GeoJSON FeatureCollection. Hãy xuất lại từ phần mềm bản đồ.", "The file is no GeoJSON FeatureCollection. Export it again.")
	}
	corners := 0
	for i, f := range c.Features {
		n, ok := f.Geometry.corners()
		if !ok {
			return "", badMap("Bản đồ chỉ nhận vùng (Polygon, MultiPolygon) và điểm (Point) với toạ độ là số.", "A map takes areas (Polygon, MultiPolygon) and points with numbers as coordinates.")
		}
		if corners += n; corners > maxCorners {
			return "", badMap("Bản đồ có quá 20.000 điểm. Hãy đơn giản hoá đường viền.", "The map has over 20,000 corners. Simplify the outlines.")
		}
		c.Features[i].Type = "Feature"
		if !slices.Contains(units, f.Properties.Unit) {
			c.Features[i].Properties.Unit = ""
		}
		c.Features[i].Properties.Name = clip(f.Properties.Name, 200)
	}
	out, err := json.Marshal(c)
	return string(out), err
}

// corners counts a geometry's corners; ok is false for what is not taken.
func (g geometry) corners() (n int, ok bool) {
	var polygons [][][][]float64
	switch g.Type {
	case "Point":
		var p []float64
		return 1, json.Unmarshal(g.Coordinates, &p) == nil && position(p)
	case "Polygon":
		var p [][][]float64
		if json.Unmarshal(g.Coordinates, &p) != nil {
			return 0, false
		}
		polygons = append(polygons, p)
	case "MultiPolygon":
		if json.Unmarshal(g.Coordinates, &polygons) != nil {
			return 0, false
		}
	default:
		return 0, false
	}
	for _, rings := range polygons {
		for _, ring := range rings {
			for _, p := range ring {
				if !position(p) {
					return 0, false
				}
				n++
			}
		}
	}
	return n, n >= 3
}

func position(p []float64) bool {
	return len(p) >= 2 && !slices.ContainsFunc(p, func(v float64) bool { return math.IsNaN(v) || math.Abs(v) > 1e6 })
}
