package protocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func digestHex() string { return protocol.DigestOf([]byte("content")).String() }

// topicSeeds are topics and filters, good and hostile.
func topicSeeds() []string {
	return []string{
		"loa/1/d/loa-dong/state", "loa/1/d/loa-dong/receipt", "loa/1/d/loa-dong/seen", "loa/1/d/loa-dong/want",
		"loa/1/d/loa-dong/ask", "loa/1/d/loa-dong/cmd", "loa/1/u/binh-an/plan", "loa/1/u/binh-an/alert",
		"loa/1/c/" + digestHex() + "/0", "loa/1/c/" + digestHex() + "/l0", "loa/1/c/" + digestHex() + "/+", "loa/1/s/phien-1/17", "loa/1/s/phien-1/+", "loa/1/s/+/+",
		"#", "+", "+/+", "loa/1/#", "loa/1/d/+/state", "loa/1/d/loa-dong/#", "loa/1/d/loa-dong/+", "loa/1/c/#",
		"loa/1/c/+/+", "$SYS/#", "$share/g/loa/1/d/loa-dong/cmd", "/loa/1/d/loa-dong/state", "loa/1/d//state", "",
		"loa/1/d/loa-dong/state/", "loa/1/d/loa-dong/state\x00", "LOA/1/d/loa-dong/state", "loa/2/d/loa-dong/state",
		"loa-dong", "loa-dong.bulk", "loa-dong.bulk.bulk", ".bulk",
	}
}

// A device writes its own five topics and nothing else; its bulk connection
// writes nothing.
func TestMayPublish(t *testing.T) {
	for topic, want := range map[string]bool{
		"loa/1/d/loa-dong/state":   true,
		"loa/1/d/loa-dong/receipt": true,
		"loa/1/d/loa-dong/seen":    true,
		"loa/1/d/loa-dong/want":    true,
		"loa/1/d/loa-dong/ask":     true,

		"loa/1/d/loa-dong/cmd":            false,
		"loa/1/d/loa-dong/plan":           false,
		"loa/1/d/loa-dong/alert":          false,
		"loa/1/d/loa-dong/ack":            false,
		"loa/1/d/loa-dong/time":           false,
		"loa/1/d/loa-doai/state":          false,
		"loa/1/d/loa-dong2/state":         false,
		"loa/1/d/loa-dong/state/x":        false,
		"loa/1/d/loa-dong/state/":         false,
		"loa/1/d/loa-dong/":               false,
		"loa/1/d/loa-dong":                false,
		"loa/1/d/+/state":                 false,
		"loa/1/d/loa-dong/+":              false,
		"loa/1/d/loa-dong/#":              false,
		"loa/1/u/binh-an/plan":            false,
		"loa/1/u/binh-an/alert":           false,
		"loa/1/u/loa-dong/state":          false,
		"loa/1/c/" + digestHex() + "/0":   false,
		"loa/1/d/loa-dong.bulk/state":     false,
		"loa/1/d/Loa-dong/state":          false,
		"/loa/1/d/loa-dong/state":         false,
		"loa/2/d/loa-dong/state":          false,
		"loa/1/d/loa-dong/state\x00":      false,
		"$SYS/broker":                     false,
		"":                                false,
		"#":                               false,
		"loa/1/d/x/../loa-dong/state":     false,
		"loa/1/d/loa-dong/../x/state":     false,
		"loa/1/d/loa-dong/unheard-of":     false,
		"$share/g/loa/1/d/loa-dong/state": false,
	} {
		if got := (protocol.Client{Device: "loa-dong"}).MayPublish(topic); got != want {
			t.Errorf("loa-dong may publish %q: %t, want %t", topic, got, want)
		}
		if (protocol.Client{Device: "loa-dong", Bulk: true}).MayPublish(topic) {
			t.Errorf("the bulk connection may publish %q", topic)
		}
	}
}

// A device reads what is for it and for the units of its path; the bulk
// connection reads single contents, and only that one does.
func TestMaySubscribe(t *testing.T) {
	path := []protocol.UnitID{"binh-an", "binh-an-dong"}
	for _, c := range []struct {
		filter     string
		main, bulk bool
	}{
		{"loa/1/d/loa-dong/plan", true, false},
		{"loa/1/d/loa-dong/alert", true, false},
		{"loa/1/d/loa-dong/cmd", true, false},
		{"loa/1/d/loa-dong/ack", true, false},
		{"loa/1/d/loa-dong/time", true, false},
		{"loa/1/u/binh-an/plan", true, false},
		{"loa/1/u/binh-an/alert", true, false},
		{"loa/1/u/binh-an-dong/plan", true, false},
		{"loa/1/u/binh-an-dong/alert", true, false},
		{"loa/1/c/" + digestHex() + "/+", false, true},

		{"loa/1/d/loa-dong/state", false, false},
		{"loa/1/d/loa-dong/receipt", false, false},
		{"loa/1/d/loa-doai/cmd", false, false},
		{"loa/1/d/loa-dong/+", false, false},
		{"loa/1/d/loa-dong/#", false, false},
		{"loa/1/d/+/cmd", false, false},
		{"loa/1/u/binh-an-doai/plan", false, false},
		{"loa/1/u/binh-an/cmd", false, false},
		{"loa/1/u/binh-an/+", false, false},
		{"loa/1/u/+/alert", false, false},
		{"loa/1/u/binh-an/#", false, false},
		{"loa/1/#", false, false},
		{"loa/1/c/#", false, false},
		{"loa/1/c/+/+", false, false},
		{"loa/1/c/+/0", false, false},
		{"loa/1/c/" + digestHex() + "/#", false, false},
		{"loa/1/c/" + digestHex() + "/0", false, false},
		{"loa/1/c/" + digestHex() + "/+/+", false, false},
		{"loa/1/c/" + strings.ToUpper(digestHex()) + "/+", false, false},
		{"loa/1/c/" + digestHex()[1:] + "/+", false, false},
		{"$share/g/loa/1/d/loa-dong/cmd", false, false},
		{"$share/g/loa/1/c/" + digestHex() + "/+", false, false},
		{"loa/1/s/phien-1/+", false, false}, // judged by who knows its airings
		{"loa/1/s/+/+", false, false},
		{"$SYS/#", false, false},
		{"#", false, false},
		{"+", false, false},
		{"", false, false},
		{"/+", false, false},
	} {
		if got := (protocol.Client{Device: "loa-dong"}).MaySubscribe(c.filter, path); got != c.main {
			t.Errorf("loa-dong may subscribe to %q: %t, want %t", c.filter, got, c.main)
		}
		if got := (protocol.Client{Device: "loa-dong", Bulk: true}).MaySubscribe(c.filter, path); got != c.bulk {
			t.Errorf("loa-dong.bulk may subscribe to %q: %t, want %t", c.filter, got, c.bulk)
		}
	}
}

// A topic is read as what it was written for, and nothing else is.
func TestTopics(t *testing.T) {
	d := protocol.DigestOf([]byte("content"))
	for _, c := range []protocol.Chunk{{N: 0}, {N: 17}, {N: 3, List: true}} {
		if got, err := protocol.ParseChunkTopic(protocol.ChunkTopic(d, c)); err != nil || got != d {
			t.Errorf("%s: %v, %v", protocol.ChunkTopic(d, c), got, err)
		}
	}
	for _, tail := range []string{"", "/", "/x", "/-1", "/00", "/01", "/l", "/ll0", "/+", "/0/0", "/0/", "/65536", "/1e3"} {
		if _, err := protocol.ParseChunkTopic("loa/1/c/" + d.String() + tail); err == nil {
			t.Errorf("chunk topic ending in %q was taken", tail)
		}
	}
	id, verb, err := protocol.ParseDeviceTopic(protocol.DeviceTopic("loa-dong", protocol.VerbWant))
	if id != "loa-dong" || verb != protocol.VerbWant || err != nil {
		t.Errorf("device topic: %s, %s, %v", id, verb, err)
	}
	unit, verb, err := protocol.ParseUnitTopic(protocol.UnitTopic("binh-an", protocol.VerbAlert))
	if unit != "binh-an" || verb != protocol.VerbAlert || err != nil {
		t.Errorf("unit topic: %s, %s, %v", unit, verb, err)
	}
	if protocol.VerbAlert.Limit() != protocol.MaxAlert || protocol.VerbPlan.Limit() != protocol.MaxControl {
		t.Error("limits of verbs")
	}
}

// A session's topic and filter are read as what they were written for.
func TestSessionTopics(t *testing.T) {
	id, n, err := protocol.ParseFramesTopic(protocol.FramesTopic("phien-1", 17))
	if id != "phien-1" || n != 17 || err != nil {
		t.Errorf("frames topic: %s, %d, %v", id, n, err)
	}
	for _, topic := range []string{"loa/1/s/phien-1/", "loa/1/s/phien-1/017", "loa/1/s/phien-1/-1", "loa/1/s/phien-1/+", "loa/1/s//1", "loa/1/s/A/1", "loa/1/s/a/1/2", "s/a/1", ""} {
		if _, _, err := protocol.ParseFramesTopic(topic); err == nil {
			t.Errorf("frames topic %q was taken", topic)
		}
	}
	if id, err := protocol.ParseSessionFilter(protocol.SessionFilter("phien-1")); id != "phien-1" || err != nil {
		t.Errorf("session filter: %s, %v", id, err)
	}
	for _, filter := range []string{"loa/1/s/+/+", "loa/1/s/#", "loa/1/s/a/#", "loa/1/s/a/1", "loa/1/s/a/+/+", "loa/1/s//+", "$share/g/loa/1/s/a/+", "loa/1/s/a"} {
		if _, err := protocol.ParseSessionFilter(filter); err == nil {
			t.Errorf("session filter %q was taken", filter)
		}
	}
}

// A relay's window lies in its slot, however late it may begin.
func TestARelayStaysInItsSlot(t *testing.T) {
	r := protocoltest.RelayBulletin().Relay // 05:00 to 06:00
	at := func(hour, minute int) time.Time { return time.Date(2026, 12, 1, hour, minute, 0, 0, time.UTC) }
	for _, c := range []struct {
		start  time.Time
		window time.Duration
		want   bool
	}{
		{at(5, 0), time.Hour, true},
		{at(5, 0), time.Hour + time.Millisecond, false},
		{at(4, 59), 10 * time.Minute, false},
		{at(5, 30), 30 * time.Minute, true},
		{at(3, 15), 30 * time.Minute, false},
		{at(17, 0), 30 * time.Minute, false},
	} {
		if got := r.Within(c.start, c.window); got != c.want {
			t.Errorf("%s for %s: %t, want %t", c.start.Format(time.TimeOnly), c.window, got, c.want)
		}
	}
}

// A client id is a device's, or that of its bulk connection.
func TestClientIDs(t *testing.T) {
	for id, want := range map[string]protocol.Client{
		"loa-dong":      {Device: "loa-dong"},
		"loa-dong.bulk": {Device: "loa-dong", Bulk: true},
	} {
		if got, err := protocol.ParseClient(id); err != nil || got != want || got.String() != id {
			t.Errorf("%q: %v, %v", id, got, err)
		}
	}
	for _, id := range []string{"", ".bulk", "a.bulk.bulk", "a.b", "a/b", "A", "a+", "#", strings.Repeat("a", 65)} {
		if got, err := protocol.ParseClient(id); err == nil {
			t.Errorf("%q was taken as %v", id, got)
		}
	}
}
