package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
)

// stocked makes a library item by the API and has it approved for programmes.
func (w *world) stocked(c *client, body map[string]any) bulletin.Bulletin {
	w.t.Helper()
	body["unit"] = commune
	a := c.post("/library", body)
	if a.status != http.StatusCreated {
		w.t.Fatalf("library: %+v", a)
	}
	return w.usable(protocol.BulletinID(a.ID))
}

// usable waits for a bulletin's sound and has it approved for programmes.
func (w *world) usable(id protocol.BulletinID) bulletin.Bulletin {
	w.t.Helper()
	var b bulletin.Bulletin
	w.until("its sound is made", func() bool {
		var err error
		b, err = w.Bulletins.Get(w.t.Context(), w.actor("soan"), id)
		must(w.t, err)
		return b.State != bulletin.Preparing
	})
	if b.State != bulletin.Ready {
		w.t.Fatalf("%s is %s: %s", b.Title, b.State, b.Problem)
	}
	tomorrow := protocol.DateOf(time.Now().In(w.Zone).AddDate(0, 0, 1))
	w.air(b, bulletin.Wish{When: bulletin.InProgrammes, LastDay: tomorrow}, "duyet1")
	return b
}

// A programme made at the API of chimes, a silence, news and a relay without a
// station is heard on a real agent in its order: each item whole, at its second,
// the relay that never came passed over for its stand-in, and the closing chime
// last. An airing for each is what an approval of its own stands behind.
func TestAProgrammeIsHeardInItsOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config.Config) {
		c.Zone = midday()
		c.Relay.Stations = map[string]string{"chet": "http://127.0.0.1:1/stream Đài không có"}
	})
	dong := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(dong)
	c := w.client("soan")
	opening := w.stocked(c, map[string]any{"kind": "opening"})
	closing := w.stocked(c, map[string]any{"kind": "closing"})
	silence := w.stocked(c, map[string]any{"kind": "silence", "seconds": 1})
	news := w.usable(w.ready(bulletin.Content{Text: text, Options: bulletin.SoundOptions{Wanted: true}}).ID)
	if n := opening.Rendition.Frames; n != 3*protocol.SoundRate {
		t.Errorf("the opening chime has %d frames, want three seconds", n)
	}
	made := c.post("/relays", map[string]any{"unit": commune, "station": "chet", "class": "normal", "minutes": 1, "from": "00:00", "to": "24:00"})
	if made.status != http.StatusCreated {
		t.Fatalf("relay: %+v", made)
	}
	relay := w.usable(protocol.BulletinID(made.ID))

	start := time.Now().Add(8 * time.Second).Truncate(time.Second)
	item := func(kind string, b bulletin.Bulletin, standIn bool) map[string]any {
		return map[string]any{"kind": kind, "bulletin": b.ID, "stand_in": standIn}
	}
	body := map[string]any{
		"unit": commune, "name": "Chương trình thử", "units": []protocol.UnitID{"thon-dong"}, "volume": 100,
		"slot": map[string]any{"start": start.In(w.Zone).Format("2006-01-02T15:04:05"), "minutes": 5},
		"items": []any{
			item("opening", opening, false), item("bulletin", news, false), item("silence", silence, false),
			item("relay", relay, false), item("silence", silence, true), item("closing", closing, false),
		},
	}
	preview := c.post("/programmes/preview", map[string]any{"village": "thon-dong", "programme": body})
	if preview.status != http.StatusOK {
		t.Fatalf("preview: %+v", preview)
	}
	if a := c.post("/programmes", body); a.status != http.StatusCreated {
		t.Fatalf("programme: %+v", a)
	}
	f, err := w.Desk.Forecast(t.Context(), w.actor("soan"), "thon-dong", nil, "")
	must(t, err)
	if len(f.Lines) != 6 {
		t.Errorf("%d lines are forecast", len(f.Lines))
	}
	at := start
	for _, b := range []bulletin.Bulletin{opening, news} {
		r := w.settled(b, 1)
		a := r.Lines[0].Answer
		if a.Outcome != protocol.OutcomePlayed || a.Frames != uint64(b.Rendition.Frames) || a.Began.Sub(at).Abs() > time.Millisecond {
			t.Errorf("%s: %s (%s), %d frames, at %s, want %s", b.Title, a.Outcome, a.Reason, a.Frames, a.Began, at)
		}
		files := dong.wavs(r.Lines[0].Airing)
		if len(files) != 1 || !slices.Equal(heard(t, files[0]), w.decoded(b)) {
			t.Errorf("%s is not what was heard, in %d files", b.Title, len(files))
		}
		at = at.Add(b.Rendition.Length())
	}
	// The relay has no source: cut by a fault after five seconds without it.
	if outcome, why, _, _ := w.answer(relay); outcome != protocol.OutcomeCut || why != protocol.ReasonFault {
		t.Errorf("the relay: %s (%s)", outcome, why)
	}
	// The silence is twice in it: as an item, and as the relay's stand-in.
	twice := w.settled(silence, 2)
	for _, l := range twice.Lines {
		if l.Answer.Outcome != protocol.OutcomePlayed || l.Answer.Frames != protocol.SoundRate || loud(heard(t, dong.wavs(l.Airing)[0])) > 0 {
			t.Errorf("a silence: %s (%s), %d frames", l.Answer.Outcome, l.Answer.Reason, l.Answer.Frames)
		}
	}
	last := w.settled(closing, 1).Lines[0].Answer
	for _, b := range []bulletin.Bulletin{opening, news, relay, silence} {
		for _, l := range w.report(b).Lines {
			if l.Answer.Ended.After(last.Began) {
				t.Errorf("%s ends at %s, after the closing chime has begun at %s", b.Title, l.Answer.Ended, last.Began)
			}
		}
	}
	if last.Outcome != protocol.OutcomePlayed {
		t.Errorf("the closing chime: %s (%s)", last.Outcome, last.Reason)
	}
	if v := w.verified(); len(v.Problems) > 0 {
		t.Errorf("verify: %q", v.Problems)
	}
}

// A device reads the sessions that its units are to hear, on its first
// connection, and no others.
func TestASessionIsReadWhereItIsAired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config.Config) {
		c.Zone = midday()
		c.Relay.Stations = map[string]string{"vov": "http://127.0.0.1:1/stream Đài thử"}
	})
	dong, doai := w.enrolled(speaker("loa-dong", "thon-dong", 1000)), w.enrolled(speaker("loa-doai", "thon-doai", 1000))
	b := w.relayed(api.NewRelay{Station: "vov", Length: time.Minute}, "thon-dong", time.Now().Add(time.Hour))
	granted := func(d *device, bulk bool, filter string) bool {
		t.Helper()
		id, err := identity.Load(filepath.Join(d.config.Data, "identity"))
		must(t, err)
		cert := id.Certificate
		if bulk {
			cert = id.Bulk
		}
		o := mqtt.NewClientOptions().AddBroker(id.MQTTURL).SetClientID(protocol.Client{Device: d.id, Bulk: bulk}.String()).SetProtocolVersion(4).
			SetAutoReconnect(false).SetTLSConfig(identity.ClientTLS(id.CA, "localhost", time.Now, cert))
		c := mqtt.NewClient(o)
		token := c.Connect()
		if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
			t.Fatalf("connect: %v", token.Error())
		}
		defer c.Disconnect(0)
		sub := c.Subscribe(filter, 0, nil)
		if !sub.WaitTimeout(20 * time.Second) {
			t.Fatal("no answer to a subscription")
		}
		got, ok := sub.(*mqtt.SubscribeToken)
		return ok && sub.Error() == nil && got.Result()[filter] < 0x80
	}
	session := protocol.SessionFilter(b.Relay.Session)
	for _, c := range []struct {
		name   string
		d      *device
		bulk   bool
		filter string
		want   bool
	}{
		{"where it is aired", dong, false, session, true},
		{"on the bulk connection", dong, true, session, false},
		{"in another village", doai, false, session, false},
		{"all sessions", dong, false, "loa/1/s/+/+", false},
		{"another session", dong, false, protocol.SessionFilter("phien-khac"), false},
	} {
		if got := granted(c.d, c.bulk, c.filter); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}

// What devices cannot do is refused before anybody signs it, and what was
// approved binds a relay: its slot and its length.
func TestARelayIsBoundByItsApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config.Config) {
		c.Zone = midday()
		c.Relay.Stations = map[string]string{"vov": "http://127.0.0.1:1/stream Đài thử"}
	})
	old := w.enrolled(speaker("loa-dong", "thon-dong", 1000))
	_, err := w.Registry.SaveStates(t.Context(), []protocol.Heartbeat{{
		Version: protocol.Version, Device: old.id, Connection: 1, Online: true, At: protocol.InstantOf(time.Now()), Features: []string{protocol.FeatureSound},
	}}, time.Now())
	must(t, err)
	d := w.device(speaker("loa-doai", "thon-doai", 1000))
	w.online(d)
	n := api.NewRelay{Unit: commune, Class: protocol.ClassPriority, Station: "vov", Length: time.Minute, From: 0, To: 1440, Silence: 3 * time.Second}
	b, err := w.Streams().Create(t.Context(), w.actor("soan"), n)
	must(t, err)
	wish := bulletin.Wish{Units: []protocol.UnitID{commune}, When: bulletin.Now}
	if _, err := w.Approvals.Submit(t.Context(), w.actor("soan"), b.ID, wish); code(err) != "no-relay" {
		t.Errorf("for a device that cannot: %v", err)
	}
	for what, c := range map[string]struct {
		change func(*api.NewRelay)
		want   string
	}{
		"unknown station":       {func(n *api.NewRelay) { n.Station = "khac" }, "station"},
		"slot under its length": {func(n *api.NewRelay) { n.From, n.To, n.Length = 300, 320, 30*time.Minute }, "slot"},
		"over four hours":       {func(n *api.NewRelay) { n.Length = 5 * time.Hour }, "relay"},
	} {
		bad := n
		c.change(&bad)
		if _, err := w.Streams().Create(t.Context(), w.actor("soan"), bad); code(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.Bulletins.Edit(t.Context(), w.actor("soan"), b.ID, bulletin.Content{Text: "khác"}, ""); code(err) != "relay" {
		t.Errorf("edited: %v", err)
	}
	// Aired outside of its slot: about noon now, approved for the early morning.
	n.From, n.To = 5*60, 6*60
	b, err = w.Streams().Create(t.Context(), w.actor("soan"), n)
	must(t, err)
	wish.Units = []protocol.UnitID{"thon-doai"}
	w.air(b, wish, "duyet1")
	if outcome, why, _, _ := w.answer(b); outcome != protocol.OutcomeSkipped || why != protocol.ReasonNotPermitted {
		t.Errorf("outside of its slot: %s (%s)", outcome, why)
	}
}

// A group's programme reaches the plan of the commune that accepted, and no other
// person than its own can accept it.
func TestAGroupIsAskedAtTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client("soan")
	g := c.post("/groups", map[string]any{"unit": commune, "name": "Nhóm", "members": []protocol.UnitID{commune}})
	if g.status != http.StatusCreated {
		t.Fatalf("group: %+v", g)
	}
	c.post("/groups", map[string]any{"unit": commune, "name": "Nhóm", "members": []protocol.UnitID{"thon-dong"}}).refused(http.StatusUnprocessableEntity, "members")
	c.post("/programmes", map[string]any{
		"unit": commune, "name": "x", "group": g.ID, "slot": map[string]any{"start": "2030-01-01T05:00:00", "minutes": 5}, "items": []any{},
	}).refused(http.StatusUnprocessableEntity, "deadline")
	w.device(speaker("loa-dong", "thon-dong", 1000))
	news := w.usable(w.ready(bulletin.Content{Text: text, Options: bulletin.SoundOptions{Wanted: true}}).ID)
	slot := time.Now().In(w.Zone).AddDate(0, 0, 1).Format(time.DateOnly) + "T12:00:00"
	body := map[string]any{
		"unit": commune, "name": "Chung", "group": g.ID, "deadline": time.Now().Add(time.Hour), "slot": map[string]any{"start": slot, "minutes": 5},
		"items": []any{map[string]any{"kind": "bulletin", "bulletin": news.ID}},
	}
	made := c.post("/programmes", body)
	if made.status != http.StatusCreated {
		t.Fatalf("programme: %+v", made)
	}
	airings := func() int {
		list, err := w.Programme.List(t.Context(), w.actor("soan"), time.Now())
		must(t, err)
		return len(list)
	}
	if n := airings(); n != 0 {
		t.Errorf("%d airings before anybody has accepted", n)
	}
	must(t, w.Desk.Answer(t.Context(), w.actor("soan"), programme.RundownID(made.ID), commune, true))
	if n := airings(); n != 1 {
		t.Errorf("%d airings, want one", n)
	}
	if err := w.Desk.Answer(t.Context(), w.actor("quantri"), programme.RundownID(made.ID), commune, false); code(err) != "not-own" {
		t.Errorf("the administrator answers: %v", err)
	}
}
