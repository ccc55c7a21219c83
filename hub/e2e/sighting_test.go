package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/protocol"
)

// What somebody's photograph shows is said of the board and the time that it shows,
// and of no other.
func TestABoardThatWasSeenIsSaidToBeSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.online(w.device(board("bang-dong", "thon-dong", protocol.Display{Width: 192, Height: 32, Row: 16})))
	b := w.ready(bulletin.Content{Board: "Họp thôn 7h30"})
	w.air(b, bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-dong"}}, "duyet1")
	before := w.settled(b, 1)
	first := before.Lines[0]
	c := w.client("soan")
	tell := func(device string, at time.Time, by string, picture []byte, lux float64) (int, string) {
		status, body := c.do(http.MethodPost, "/devices/"+device+"/sightings", map[string]any{
			"airing": first.Airing, "at": at, "by": by, "picture": picture, "lux": lux,
		})
		var p struct{ Code string }
		if len(body) > 0 {
			must(t, json.Unmarshal(body, &p))
		}
		return status, p.Code
	}
	proof := func() (level, seen string) {
		_, body := c.do(http.MethodGet, "/bulletins/"+string(b.ID)+"/reach", nil)
		var r struct {
			Lines []struct{ Proof, Seen string }
		}
		must(t, json.Unmarshal(body, &r))
		return r.Lines[0].Proof, r.Lines[0].Seen
	}
	during, picture := first.Answer.Began.Add(time.Second), photo(t)
	for name, x := range map[string]struct {
		at      time.Time
		by      string
		picture []byte
		lux     float64
		code    string
	}{
		"in the future":      {time.Now().Add(time.Hour), "photo", picture, 0, "sighting-ahead"},
		"without a picture":  {during, "camera", nil, 0, "sighting-picture"},
		"no picture":         {during, "photo", []byte("xin chào"), 0, "no-picture"},
		"dark":               {during, "light", nil, 0, "sighting-dark"},
		"before it stood":    {first.Answer.Began.Add(-time.Minute), "photo", picture, 0, ""},
		"of another's light": {first.Answer.Began.Add(-time.Minute), "light", nil, 300, ""},
	} {
		if status, code := tell("bang-dong", x.at, x.by, x.picture, x.lux); code != x.code || (status == http.StatusNoContent) != (code == "") {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	if status, _ := tell("khong-co", during, "photo", picture, 0); status != http.StatusNotFound {
		t.Errorf("a board that does not exist: %d", status)
	}
	if level, seen := proof(); level != first.Answer.Proof.String() || seen != "" {
		t.Errorf("not seen, yet said: %s by %q", level, seen)
	}
	for range 2 { // one that is told twice is kept once
		if status, code := tell("bang-dong", during, "photo", picture, 0); status != http.StatusNoContent {
			t.Fatalf("%d %s", status, code)
		}
	}
	if level, seen := proof(); level != "seen" || seen != "photo" {
		t.Errorf("seen, yet said: %s by %q", level, seen)
	}
	status, seen := c.do(http.MethodGet, "/devices/bang-dong/sightings/"+string(first.Airing), nil)
	if status != http.StatusOK || http.DetectContentType(seen) != "image/jpeg" {
		t.Errorf("the picture: %d, %s", status, http.DetectContentType(seen))
	}
	if status, _ := c.do(http.MethodGet, "/devices/bang-dong/sightings/khong-co", nil); status != http.StatusNotFound {
		t.Errorf("a picture of nothing: %d", status)
	}
	after := w.settled(b, 1)
	if after.Reached != before.Reached || after.Count != before.Count {
		t.Errorf("a sighting changed who was reached: %+v, before %+v", after.Count, before.Count)
	}
}
