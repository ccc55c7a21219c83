package e2e

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/sys/unix"
)

// insideEnv says that the test's binary runs in a mount namespace of its own.
const insideEnv = "LOA_E2E_MOUNTS"

// inNamespace runs the calling test again in a private mount namespace, where small
// disks can be mounted, and says whether this is that run.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideEnv) != "" {
		return true
	}
	args := []string{"-m"}
	if os.Geteuid() != 0 {
		args = []string{"-U", "-r", "-m"}
	}
	cmd := exec.CommandContext(t.Context(), "unshare", append(args, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil || !bytes.Contains(out.Bytes(), []byte("--- PASS: "+t.Name())) {
		t.Errorf("in a mount namespace (it takes root, or user namespaces): %v\n%s", err, out.String())
	}
	return false
}

// disk is a small file system of its own.
type disk struct {
	t    *testing.T
	path string
}

func newDisk(t *testing.T, size string) disk {
	t.Helper()
	d := disk{t, t.TempDir()}
	must(t, unix.Mount("tmpfs", d.path, "tmpfs", 0, "size="+size))
	t.Cleanup(func() { must(t, unix.Unmount(d.path, unix.MNT_DETACH)) })
	return d
}

// fill leaves no byte.
func (d disk) fill() {
	d.t.Helper()
	f, err := os.OpenFile(filepath.Join(d.path, "filler"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(d.t, err)
	for size := 1 << 20; size > 0; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			if !errors.Is(err, unix.ENOSPC) {
				d.t.Fatal(err)
			}
			size /= 16
		}
	}
	must(d.t, f.Close())
}

func (d disk) free() {
	d.t.Helper()
	must(d.t, os.Remove(filepath.Join(d.path, "filler")))
}

// A device whose disk is full says so; an actual emergency sounds all the same; when
// there is room again every occurrence has its one outcome.
func TestAFullDiskAtADeviceLosesNothing(t *testing.T) {
	t.Parallel()
	if !inNamespace(t) {
		return
	}
	w := newWorld(t)
	d := w.enrolled(speaker("loa-dong", "thon-dong", 1000))
	small, sound := newDisk(t, "24m"), t.TempDir()
	must(t, os.CopyFS(small.path, os.DirFS(d.config.Data)))
	d.config.Data, d.config.Profile.Sound.Card = small.path, sound
	d.start()
	t.Cleanup(d.stop)
	w.online(d)
	before := w.ready(spokenText(1))
	w.air(before, bulletin.Wish{When: bulletin.Now}, "duyet1")
	w.settled(before, 1)

	during := w.ready(spokenText(2))
	flood := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Text: "Nước lũ đang lên.", Options: bulletin.SoundOptions{Wanted: true}})
	small.fill()
	w.air(during, bulletin.Wish{When: bulletin.Now}, "duyet1")
	w.until("the heartbeat says that the storage is full", func() bool {
		s, err := w.Registry.State(t.Context(), d.id)
		return err == nil && slices.ContainsFunc(s.Heartbeat.Faults, func(f string) bool { return f == "storage" || f == "space" })
	})
	w.air(flood, bulletin.Wish{When: bulletin.Now, Passes: 1, Validity: 30}, "duyet1", "duyet2")
	alarm := string(w.airing(flood))
	w.until("the emergency sounds", func() bool {
		files, err := filepath.Glob(filepath.Join(sound, alarm+"-*.wav"))
		must(t, err)
		return len(files) > 0
	})
	if c := w.report(during).Count; c.Played != 0 {
		t.Errorf("%+v with a full disk: what could not be stored has played", c)
	}

	small.free()
	w.settled(flood, 1)
	w.countedOnce(flood, reach.Count{Expected: 1, Played: 1})
	r := w.settled(during, 1)
	if r.Count.Expected != 1 || r.Count.Unknown != 0 {
		t.Errorf("%+v, want one outcome", r.Count)
	}
	w.countedOnce(during, r.Count)
	w.countedOnce(before, reach.Count{Expected: 1, Played: 1})
	after := w.ready(spokenText(1))
	w.air(after, bulletin.Wish{When: bulletin.Now}, "duyet1")
	w.settled(after, 1)
	w.countedOnce(after, reach.Count{Expected: 1, Played: 1})
}

// A hub whose disk is full refuses what it cannot keep, with what to do, and
// acknowledges no receipt that it has not stored.
func TestAFullDiskAtTheHubLosesNothing(t *testing.T) {
	t.Parallel()
	if !inNamespace(t) {
		return
	}
	small := newDisk(t, "64m")
	w := newWorld(t, func(c *config.Config) { c.Data = filepath.Join(small.path, "hub") })
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	b := w.ready(spokenText(2))
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.begun(d, b)
	c := w.client("soan")
	small.fill()
	c.upload("a.wav", make([]byte, 4<<20)).refused(http.StatusInsufficientStorage, "")
	w.whole(d, b)
	if got := len(w.receipts(b)); got != 0 {
		t.Errorf("%d receipts were stored on a full disk", got)
	}
	small.free()
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
	if up := c.upload("a.wav", make([]byte, 4<<20)); up.status != http.StatusCreated {
		t.Errorf("upload with room again: %+v", up)
	}
}
