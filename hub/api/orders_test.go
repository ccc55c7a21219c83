package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// pretendedOrders keeps what devices would be told.
type pretendedOrders struct {
	tones []protocol.Tone
}

// Tone implements api.Orders.
func (o *pretendedOrders) Tone(_ context.Context, _ registry.Device, t protocol.Tone, _ protocol.PersonID) (uint64, error) {
	o.tones = append(o.tones, t)
	return 41, nil
}

// A test tone is asked only of a connected device that has a loudspeaker, knows tones, is
// not muted and plays nothing, by those who install devices; what is known of it and of
// what plays is shown.
func TestATestToneIsAskedOnlyOfADeviceThatIsFree(t *testing.T) {
	f := newFixture(t, api.Options{})
	admin, reader := f.logIn("quantri"), f.logIn("soan-a")
	const path = "/api/v1/devices/loa-dong/tone"
	if text := admin.want(409, "POST", path, `{}`); !strings.Contains(text, "device-offline") {
		t.Errorf("never heard of: %s", text)
	}
	claim, err := f.base.Enrol.Claim(t.Context(), "loa-dong", "")
	if err != nil {
		t.Fatal(err)
	}
	enrolDevice(t, f, claim.Text)
	at := time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)
	heard := func(h protocol.Heartbeat) {
		t.Helper()
		at = at.Add(time.Second)
		h.Version, h.Device, h.Connection, h.Online, h.At = protocol.Version, "loa-dong", 7, true, protocol.InstantOf(at)
		if stored, err := f.base.Registry.SaveStates(t.Context(), []protocol.Heartbeat{h}, at); err != nil || !stored[0] {
			t.Fatal(stored, err)
		}
	}
	can := []string{protocol.FeatureSound, protocol.FeatureTone}
	for code, h := range map[string]protocol.Heartbeat{
		"old-software": {Features: can[:1]}, "device-muted": {Features: can, Muted: true}, "device-busy": {Features: can, Playing: "lp-1"},
	} {
		heard(h)
		if text := admin.want(409, "POST", path, `{}`); !strings.Contains(text, code) {
			t.Errorf("%s: %s", code, text)
		}
	}
	heard(protocol.Heartbeat{Features: can})
	reader.want(403, "POST", path, `{}`)
	admin.want(422, "POST", path, `{"seconds": 11}`)
	if got := decode[api.AskedBody](t, admin.want(202, "POST", path, `{"seconds": 1.5, "volume": 30}`)); got.Number != 41 {
		t.Errorf("asked: %+v", got)
	}
	admin.want(202, "POST", path, `{}`)
	if diff := cmp.Diff([]protocol.Tone{{Length: 1500, Volume: 30}, {Length: 3000, Volume: 40}}, f.orders.tones); diff != "" {
		t.Error(diff)
	}
	heard(protocol.Heartbeat{
		Features: can, Playing: "lp-1", Progress: &protocol.Progress{Position: 4000, Length: 9000, Volume: 70},
		Tone: &protocol.ToneResult{Number: 41, Reason: protocol.ReasonQuietHours, At: protocol.InstantOf(at)},
	})
	got := decode[api.DeviceBody](t, reader.want(200, "GET", "/api/v1/devices/loa-dong", ""))
	if diff := cmp.Diff(&api.PlayBody{Position: 4000, Length: 9000, Volume: 70}, got.Play); diff != "" {
		t.Error(diff)
	}
	if got.Tone == nil || got.Tone.Number != 41 || got.Tone.Reason != "quiet hours" {
		t.Errorf("tone: %+v", got.Tone)
	}
}
