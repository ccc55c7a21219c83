package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// installation adds a device and returns what a technician takes to it.
func (w *world) installation(n registry.NewDevice) (protocol.Installation, *device) {
	w.t.Helper()
	_, err := w.Registry.AddDevice(w.t.Context(), n, registrar, "quantri")
	must(w.t, err)
	i, err := w.Base.Enrol.Installation(w.t.Context(), n.ID, "https://localhost:"+port(w.EnrolAddr()), "quantri")
	must(w.t, err)
	d := w.unenrolled(n)
	return i, d
}

func TestADeviceIsInstalledWithoutANetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t.Run("and joins the hub when it reaches it", func(t *testing.T) {
		w := w.in(t)
		i, d := w.installation(speaker("loa-dong", "thon-dong", 1000))
		dir := filepath.Join(d.config.Data, "identity")
		i.Hub = "https://localhost:1" // nobody listens there yet
		_, place, err := identity.Begin(i, dir)
		must(t, err)
		if place.Device != "loa-dong" || place.Path[len(place.Path)-1] != "thon-dong" || place.Serves[0].Village != "thon-dong" {
			t.Errorf("placed %+v", place)
		}
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan error, 1)
		go func() { waiting <- identity.Await(ctx, dir, w.log.logger()) }()
		w.until("it waits", func() bool { return strings.Contains(w.log.String(), "installed and waiting for the hub") })
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Fatalf("waiting ended with %v", err)
		}
		i.Hub = "https://localhost:" + port(w.EnrolAddr()) // the line is there
		_, _, err = identity.Begin(i, dir)                 // twice does no harm: the key stays
		must(t, err)
		must(t, identity.Await(t.Context(), dir, w.log.logger()))
		if _, err := os.Stat(filepath.Join(dir, "installation.json")); err == nil {
			t.Error("the claim stays on the device after it was used")
		}
		d.start()
		t.Cleanup(d.stop)
		w.online(d)
	})
	t.Run("and its answer comes back by file", func(t *testing.T) {
		w := w.in(t)
		i, d := w.installation(speaker("loa-doai", "thon-doai", 1000))
		dir, stick := filepath.Join(d.config.Data, "identity"), t.TempDir()
		request, place, err := identity.Begin(i, dir)
		must(t, err)
		file, err := identity.WriteRequest(filepath.Join(stick, "loa-doai.loa.json"), place.Device, request)
		must(t, err)
		brought, err := identity.ReadStick(file)
		must(t, err)
		if _, err := w.Base.Enrol.EnrolAs(t.Context(), "loa-dong", *brought.Request); !errors.Is(err, enrol.ErrSecret) {
			t.Errorf("brought for another device: %v", err)
		}
		answer, err := w.Base.Enrol.EnrolAs(t.Context(), "loa-doai", *brought.Request)
		must(t, err)
		_, err = identity.Finish(answer, dir)
		must(t, err)
		if _, _, err := identity.Begin(i, dir); !errors.Is(err, identity.ErrEnrolled) {
			t.Errorf("installed twice: %v", err)
		}
		d.start()
		t.Cleanup(d.stop)
		w.online(d)
		// The stick was copied on the way: another key finds the claim used.
		_, _, err = identity.Begin(i, t.TempDir())
		must(t, err)
		thief := t.TempDir()
		second, _, err := identity.Begin(i, thief)
		must(t, err)
		if _, err := w.Base.Enrol.EnrolAs(t.Context(), "loa-doai", second); !errors.Is(err, enrol.ErrEnrolled) {
			t.Errorf("a copied stick: %v", err)
		}
		if err := identity.Await(t.Context(), thief, w.log.logger()); !errors.Is(err, identity.ErrEnrolled) {
			t.Errorf("a copied stick over the network: %v", err)
		}
		// Nor is one device's answer another's.
		other, e := w.installation(speaker("loa-trung", "thon-trung", 1000))
		dir = filepath.Join(e.config.Data, "identity")
		if _, err := identity.Finish(answer, dir); !errors.Is(err, identity.ErrNotStarted) {
			t.Errorf("an answer before its question: %v", err)
		}
		_, _, err = identity.Begin(other, dir)
		must(t, err)
		if _, err := identity.Finish(answer, dir); !errors.Is(err, identity.ErrForged) {
			t.Errorf("another device's answer: %v", err)
		}
		answer.Device = "loa-trung"
		if _, err := identity.Finish(answer, dir); !errors.Is(err, identity.ErrAnswer) {
			t.Errorf("another device's certificates: %v", err)
		}
	})
	// Whoever changes what is on the stick holds all of it, but no registrar's key.
	t.Run("by nothing forged", func(t *testing.T) {
		w := w.in(t)
		good, _ := w.installation(speaker("loa-that", "thon-dong", 1000))
		second, _ := w.installation(speaker("loa-khac", "thon-doai", 1000))
		stranger := protocoltest.Signer(t, "a stranger's registrar")
		place := protocoltest.Placement("loa-that", "thon-doai")
		place.Path = []protocol.UnitID{commune, "thon-doai"}
		payload, err := protocol.Marshal(place)
		must(t, err)
		forged, err := stranger.Seal(envelope.KindPlacement, payload)
		must(t, err)
		hub, err := w.Keys.Hub()
		must(t, err)
		byHub, err := hub.Seal(envelope.KindPlacement, payload)
		must(t, err)
		other := newWorld(t)
		elsewhere, _ := other.installation(speaker("loa-that", "thon-dong", 1000))
		for name, c := range map[string]struct {
			change func(*protocol.Installation)
			want   error
		}{
			"a place that a stranger signed":  {func(i *protocol.Installation) { i.Held.Placement = forged }, identity.ErrForged},
			"a place that the hub signed":     {func(i *protocol.Installation) { i.Held.Placement = byHub }, identity.ErrForged},
			"another device's place":          {func(i *protocol.Installation) { i.Held.Placement = second.Held.Placement }, identity.ErrForged},
			"no delegations":                  {func(i *protocol.Installation) { i.Held.Lists = nil }, identity.ErrForged},
			"another hub's roots":             {func(i *protocol.Installation) { i.Held.Anchors = elsewhere.Held.Anchors }, identity.ErrFingerprint},
			"another hub with its own claim":  {func(i *protocol.Installation) { held := i.Held.Placement; *i = elsewhere; i.Held.Placement = held }, identity.ErrForged},
			"a claim of another fingerprint":  {func(i *protocol.Installation) { i.Claim = elsewhere.Claim }, identity.ErrFingerprint},
			"a claim that is none":            {func(i *protocol.Installation) { i.Claim = "loa1.x" }, protocol.ErrClaim},
			"an authority that can't be read": {func(i *protocol.Installation) { i.Held.CA = "x" }, identity.ErrAnswer},
		} {
			i := good
			c.change(&i)
			dir := t.TempDir()
			if _, _, err := identity.Begin(i, dir); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
				t.Errorf("%s left %v, %v", name, files, err)
			}
		}
	})
}

func TestTheFileOnAStickIsFound(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(file), 0o750))
		must(t, os.WriteFile(file, []byte(text), 0o600))
	}
	if _, err := identity.FindMedia(root); !errors.Is(err, identity.ErrNoFile) {
		t.Errorf("nothing plugged in: %v", err)
	}
	write("media/usb/ghi chu.txt", "x")
	write("media/usb/loa-dong.request.loa.json", "x") // its own, of before
	write("run/media/ktv/USB/loa-dong.loa.json", `{"loa_stick":1}`)
	file, err := identity.FindMedia(root)
	if err != nil || filepath.Base(file) != "loa-dong.loa.json" {
		t.Errorf("found %s: %v", file, err)
	}
	for text, want := range map[string]error{
		`{"loa_stick":1}`: protocol.ErrInvalid, `x`: protocol.ErrInvalid, `{"loa_stick":2,"request":{}}`: protocol.ErrInvalid,
		`{"loa_stick":1,"request":{},"answer":{}}`: protocol.ErrInvalid, `{"loa_stick":1,"request":{}}`: nil,
	} {
		write("run/media/ktv/USB/loa-dong.loa.json", text)
		if _, err := identity.ReadStick(file); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	write("mnt/loa-doai.loa.json", "x")
	if _, err := identity.FindMedia(root); !errors.Is(err, identity.ErrManyFiles) {
		t.Errorf("two sticks: %v", err)
	}
	if got, err := identity.FindStick(filepath.Join(root, "mnt")); err != nil || filepath.Base(got) != "loa-doai.loa.json" {
		t.Errorf("in its folder %s: %v", got, err)
	}
	if _, err := identity.FindStick(filepath.Join(root, "khong-co")); !errors.Is(err, identity.ErrNoFile) {
		t.Errorf("no such path: %v", err)
	}
}
