package killing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/e2e/tracer"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/protocol"
)

// The people and places.
const (
	commune  protocol.UnitID   = "xa-binh-an"
	village  protocol.UnitID   = "thon-dong"
	device   protocol.DeviceID = "loa-dong"
	admin    protocol.PersonID = "quantri"
	password string            = "mat khau dai va kho doan"
)

const villages = `id,code,name,kind,parent,valid_from,valid_until,people,source,counted
thon-dong,9900101,Thôn Đông,village,xa-binh-an,2025-07-01,,820,UBND xã (mẫu),2026-06-30
thon-doai,9900102,Thôn Đoài,village,xa-binh-an,2025-07-01,,610,UBND xã (mẫu),2026-06-30
`

// together is how many runs there are at once: they mostly wait for sound to play.
const together = 6

func TestMain(m *testing.M) {
	tracer.Main()
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := f.Value.Set(strconv.Itoa(together)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// ground is a commune with an enrolled device, as it stands before each run.
type ground struct {
	dir        string // hub, loa, root
	hub, agent *tracer.Program
	hubFile    string
	sessions   map[protocol.PersonID]string // cookies
	// Both wait for their last signature.
	emergency, stopped request
}

// request is a bulletin that waits to be approved.
type request struct {
	bulletin, approval string
	sound              sound
}

// newGround builds both programs and makes the commune.
func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{dir: t.TempDir(), sessions: map[protocol.PersonID]string{}}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-tags", "nomsgpack oto", "-o", bin+"/", "./hub/cmd/loa-hub", "./agent/cmd/loa-agent")
	build.Dir = filepath.Join("..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var err error
	g.hubFile = filepath.Join(bin, "loa-hub")
	g.hub, err = tracer.Open(g.hubFile)
	must(t, err)
	g.agent, err = tracer.Open(filepath.Join(bin, "loa-agent"))
	must(t, err)

	c := config.Default()
	c.Data = filepath.Join(g.dir, "hub")
	c.Console.Listen, c.Enrol.Listen, c.MQTT.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	_, err = hub.Init(t.Context(), c, hub.InitOptions{
		RootOut: filepath.Join(g.dir, "root"), Admin: admin, AdminName: "Quản trị", Password: password,
		Passwords: hub.Passwords{Keys: signing.Cost{Passes: 1, Memory: 8}}, // what is killed is looked at, not what guesses cost
		Unit:      registry.Unit{ID: commune, Code: "99001", Name: "Xã Bình An (mẫu)", Kind: registry.Commune, ValidFrom: "2025-07-01"},
	})
	must(t, err)
	h, err := hub.New(t.Context(), c, hub.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	g.populate(t, h)
	cancel()
	must(t, errors.Join(<-ended, h.Close()))
	return g
}

// populate brings in people, the device, and what waits for approval.
func (g *ground) populate(t *testing.T, h *hub.Hub) {
	t.Helper()
	_, err := h.Registry.Import(t.Context(), strings.NewReader(villages), false, password, admin)
	must(t, err)
	// No test depends on the hour at which it runs.
	minute := func(in time.Duration) uint64 {
		at := time.Now().Add(in).In(h.Zone)
		return uint64(at.Hour()*60 + at.Minute())
	}
	must(t, h.Registry.SetQuiet(t.Context(), commune, []protocol.Quiet{{Start: minute(10 * time.Hour), End: minute(12 * time.Hour)}}, admin))
	must(t, h.Publisher.Publish(t.Context(), []protocol.UnitID{commune}))
	for id, role := range map[protocol.PersonID]account.Role{"soan": account.Editor, "duyet1": account.Approver, "duyet2": account.Approver} {
		must(t, h.Account.Add(t.Context(), account.NewPerson{
			ID: id, Name: string(id), Password: password, Grants: []account.Grant{{Unit: commune, Role: role}},
		}, password, admin))
		g.sessions[id] = logIn(t, "http://"+h.WebAddr().String(), id)
	}
	g.sessions[admin] = logIn(t, "http://"+h.WebAddr().String(), admin)
	_, err = h.Registry.AddDevice(t.Context(), registry.NewDevice{ID: device, Name: "Loa", Unit: village, Sound: true, Serves: map[protocol.UnitID]uint64{village: 1000}}, password, admin)
	must(t, err)
	claim, err := h.Base.Enrol.Claim(t.Context(), device, admin)
	must(t, err)
	_, p, err := net.SplitHostPort(h.EnrolAddr().String())
	must(t, err)
	_, err = identity.Enrol(t.Context(), "https://localhost:"+p, claim.Text, filepath.Join(g.dir, "loa", "identity"))
	must(t, err)
	must(t, h.Publisher.Renew(t.Context()))

	r := &run{g: g, base: "http://" + h.WebAddr().String() + "/api/v1"}
	for _, w := range []struct {
		to      *request
		content map[string]any
		wish    map[string]any
		by      protocol.PersonID
	}{
		{
			&g.stopped, content("normal", strings.Repeat("Hôm nay họp thôn. ", 4)),
			wish(map[string]any{"after_cut": "restart"}), "",
		},
		{&g.emergency, content("emergency", "Nước lũ đang lên."), wish(map[string]any{"passes": 1}), "duyet1"},
	} {
		*w.to, err = r.submit(t.Context(), w.content, w.wish, string(commune)+"-"+w.content["title"].(string))
		must(t, err)
		if w.by != "" {
			must(t, r.approve(t.Context(), *w.to, w.by))
		}
	}
}

func content(class, text string) map[string]any {
	return map[string]any{"unit": commune, "class": class, "title": "Thử " + class, "text": text, "options": map[string]any{"wanted": true}}
}

// wish asks for now, at full volume, so that samples stay what they are.
func wish(more map[string]any) map[string]any {
	w := map[string]any{"units": []string{string(commune)}, "when": "now", "volume": 100}
	for k, v := range more {
		w[k] = v
	}
	return w
}

func logIn(t *testing.T, base string, id protocol.PersonID) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"user": string(id), "password": password})
	must(t, err)
	res, err := http.Post(base+"/api/v1/sessions", "application/json", bytes.NewReader(body))
	must(t, err)
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		return c.Name + "=" + c.Value
	}
	b, _ := io.ReadAll(res.Body)
	t.Fatalf("log-in: %s: %s", res.Status, b)
	return ""
}

// refusal is an answer of the hub's that is none of success.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d: %.300s", r.status, r.text) }

// lasting says whether asking again would change nothing.
func (r *refusal) lasting() bool {
	switch r.status {
	case http.StatusTooManyRequests, http.StatusInsufficientStorage:
		return false
	case http.StatusConflict:
		return !strings.Contains(r.text, "being-done")
	}
	return r.status < 500
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
