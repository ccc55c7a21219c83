package notebook

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"

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
	noCollection := badMap("Tệp không phải GeoJSON FeatureCollection. Hãy xuất lại từ phần mềm bản đồ.", "The file is no GeoJSON FeatureCollection. Export it again.")
	var c struct {
		Type     string          `json:"type"`
		Features json.RawMessage `json:"features"`
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.Type != "FeatureCollection" {
		return "", noCollection
	}
	kept := collection{Type: c.Type, Features: []feature{}}
	if len(c.Features) > 0 && c.Features[0] == '[' {
		// One by one, so that a long list of nothing is refused at its first.
		d := json.NewDecoder(bytes.NewReader(c.Features))
		if _, err := d.Token(); err != nil {
			return "", noCollection
		}
		for corners := 0; d.More(); {
			var f feature
			if err := d.Decode(&f); err != nil {
				return "", noCollection
			}
			n, ok := f.Geometry.corners()
			if !ok {
				return "", badMap("Bản đồ chỉ nhận vùng và điểm với toạ độ là số. Hãy xuất lại từ phần mềm bản đồ.", "A map takes areas (Polygon, MultiPolygon) and points with numbers as coordinates. Export it again.")
			}
			if corners += n; corners > maxCorners {
				return "", badMap("Bản đồ có quá 20.000 điểm. Hãy đơn giản hoá đường viền.", "The map has over 20,000 corners. Simplify the outlines.")
			}
			f.Type = "Feature"
			if !slices.Contains(units, f.Properties.Unit) {
				f.Properties.Unit = ""
			}
			f.Properties.Name = clip(f.Properties.Name, 200)
			kept.Features = append(kept.Features, f)
		}
	}
	out, err := json.Marshal(kept)
	return string(out), err
}

// corners counts a geometry's corners; ok is false for what is not taken.
func (g geometry) corners() (n int, ok bool) {
	switch g.Type {
	case "Point":
		n, ok = positions(g.Coordinates, 1)
		return n, ok && n == 1
	case "Polygon":
		n, ok = positions(g.Coordinates, 3)
	case "MultiPolygon":
		n, ok = positions(g.Coordinates, 4)
	}
	return n, ok && n >= 3
}

// positions counts the positions of valid JSON, which stand that many brackets deep
// and nowhere else. It takes no memory, whatever stands there.
func positions(coordinates []byte, depth int) (n int, ok bool) {
	for at, b := 0, coordinates; len(b) > 0; b = b[1:] {
		switch b[0] {
		case '[':
			if at++; at == depth {
				end := bytes.IndexByte(b, ']')
				if end < 0 || !position(b[1:end]) {
					return 0, false
				}
				n++
				b, at = b[end:], at-1
			}
		case ']':
			at--
		case ',', ' ', '\t', '\r', '\n':
		default:
			return 0, false
		}
	}
	return n, true
}

// position says whether a list is one of at least two numbers within reason.
func position(list []byte) bool {
	n := 0
	for number := range bytes.SplitSeq(list, []byte(",")) {
		v, err := strconv.ParseFloat(string(bytes.TrimSpace(number)), 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > 1e6 {
			return false
		}
		n++
	}
	return n >= 2
}
