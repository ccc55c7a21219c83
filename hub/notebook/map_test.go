package notebook

import (
	"errors"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func collectionOf(features string) string {
	return `{"type":"FeatureCollection","features":[` + features + `]}`
}

func geometryOf(kind, coordinates string) string {
	return collectionOf(`{"type":"Feature","geometry":{"type":"` + kind + `","coordinates":` + coordinates + `}}`)
}

func TestAMapTakesAreasAndPointsAlone(t *testing.T) {
	units := []protocol.UnitID{"dong"}
	taken := collectionOf(`{"type":"Feature","properties":{"unit":"dong","name":"Thôn Đông"},"geometry":{"type":"Point","coordinates":[105.8,21.1,4]}},` +
		`{"type":"Feature","properties":{},"geometry":{"type":"MultiPolygon","coordinates":[[[[1,2],[3,4],[5,6e0]]]]}}`)
	if got, err := checkMap(taken, units); err != nil || got != taken {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := checkMap(collectionOf(`{"properties":{"unit":"doai"},"geometry":{"type":"Polygon","coordinates":[ [[0,0], [0,1],[1,1]] ]}}`), units); err != nil || strings.Contains(got, "doai") {
		t.Errorf("another commune's village: %s, %v", got, err)
	}
	for name, text := range map[string]string{
		"no JSON": "{", "no collection": `{"type":"Feature"}`, "features of another kind": collectionOf("1"), "nothing": collectionOf("{}"),
		"line": geometryOf("LineString", "[[0,0],[0,1],[1,1]]"), "two corners": geometryOf("Polygon", "[[[0,0],[0,1]]]"),
		"too deep": geometryOf("Polygon", "[[[[0,0],[0,1],[1,1]]]]"), "too flat": geometryOf("Polygon", "[[0,0],[0,1],[1,1]]"),
		"text": geometryOf("Point", `["0",1]`), "one number": geometryOf("Point", "[1]"), "far": geometryOf("Point", "[1e7,0]"), "infinite": geometryOf("Point", "[1e999,0]"),
		"two points": geometryOf("Point", "[0,1],[2,3]"), "a number beside": geometryOf("Polygon", "[[1,[0,0],[0,1],[1,1]]]"), "null": geometryOf("Point", "null"),
	} {
		if got, err := checkMap(text, units); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%s: taken as %s, %v", name, got, err)
		}
	}
}

// What is kept reads as itself.
func FuzzMap(f *testing.F) {
	f.Add(geometryOf("Point", "[105.8,21.1]"))
	f.Add(geometryOf("Polygon", "[[[0,0],[0,1],[1,1]]]"))
	f.Add(collectionOf(strings.Repeat("{},", 2000) + "{}"))
	f.Add(geometryOf("MultiPolygon", "["+strings.Repeat("[],", 2000)+"[]]"))
	f.Fuzz(func(t *testing.T, text string) {
		protocoltest.HoldMemory(t, "map", len(text), func() { _, _ = checkMap(text, nil) })
		kept, err := checkMap(text, nil)
		if err != nil {
			if !errors.Is(err, problem.ErrInvalid) && !errors.Is(err, problem.ErrTooLarge) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		if again, err := checkMap(kept, nil); err != nil || again != kept {
			t.Errorf("%s reads as %s, %v", kept, again, err)
		}
	})
}
