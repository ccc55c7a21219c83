package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	password = "mat khau dai va kho doan"
	unit     = "xa-binh-an"
)

// longText is about a minute of speech.
const longText = `Ủy ban nhân dân xã thông báo lịch tiêm phòng cho trẻ em từ 6 đến 36 tháng tuổi.
Thời gian từ 7h30 đến 11h00, thứ Bảy ngày 28/11, tại nhà văn hóa thôn Đông và trạm y tế xã.
Đề nghị các gia đình đưa trẻ đến đúng giờ, mang theo sổ tiêm chủng và thẻ bảo hiểm y tế.
Trẻ đang sốt trên 37,5°C hoặc vừa ốm dậy thì hoãn sang đợt sau, ngày 12/12.
Sau khi tiêm, trẻ ở lại theo dõi 30 phút. Khi về nhà, nếu trẻ sốt cao, quấy khóc kéo dài, gia đình gọi ngay trạm y tế xã.
Các thôn phân công người hướng dẫn để xe gọn gàng, không dừng đỗ trước cổng trạm.
Xin cảm ơn bà con đã lắng nghe và thực hiện.`

// device is an agent of the bench.
type device struct {
	*process
	id   string
	card *process // its sound card; nil without a real one
}

// end ends the agent, then its card.
func (d *device) end() error { return errors.Join(d.process.end(), d.card.end()) }

// stretch is sound between silences, as a card puts it out.
type stretch struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// stretches are those that a card has put out up to now, and that are over.
func stretches(card *process) ([]stretch, error) {
	b, err := os.ReadFile(card.log)
	if err != nil {
		return nil, err
	}
	var all []stretch
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "\n") {
			continue
		}
		var s stretch
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			return nil, fmt.Errorf("%s: %w", card.log, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// began returns when a device began an airing and when its first frame was out.
func (d *device) began(ctx context.Context, airing, medium string) (on, frame time.Time, err error) {
	line, err := d.find(ctx, "msg=on ", "airing="+airing, "medium="+medium)
	if err != nil {
		return on, frame, err
	}
	if on, err = field(line, "time"); err != nil {
		return on, frame, err
	}
	if line, err = d.find(ctx, `msg="first frame"`, "job="+airing, "medium="+medium); err != nil {
		return on, frame, err
	}
	frame, err = field(line, "at")
	return on, frame, err
}

// world is a hub with five agents.
type world struct {
	bin, dir string
	hub      *process
	devices  []*device
	web      string
	password string // file with everybody's
	enrol    string // address for enrolment
	author   *client
	approver *client
	second   *client // who approves emergencies beside the approver
}

func (w *world) speakers() []*device { return w.devices }

func (w *world) board() *device { return w.devices[len(w.devices)-1] }

func (w *world) stop() {
	for _, d := range w.devices {
		report(d.end())
	}
	report(w.hub.end())
}

func report(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

func (w *world) file(name, text string) (string, error) {
	path := filepath.Join(w.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// command runs loa-hub and returns what it printed.
func (w *world) command(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(w.bin, "loa-hub"), append([]string{"--config", filepath.Join(w.dir, "hub.yaml")}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("loa-hub %s: %w: %s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// quietHours begin ten hours from now, as a unit's clock has it, and last two, so
// that no run meets them. The sample commune lies in Viet Nam, seven hours ahead.
func quietHours(now time.Time) string {
	from := now.In(time.FixedZone("", 7*60*60)).Add(10 * time.Hour)
	return from.Format("15:04") + "-" + from.Add(2*time.Hour).Format("15:04")
}

func (w *world) start(ctx context.Context) error {
	var ports [3]string
	for i := range ports {
		p, err := freePort()
		if err != nil {
			return err
		}
		ports[i] = p
	}
	w.web = "http://" + ports[0]
	if _, err := w.file("hub.yaml", fmt.Sprintf("data: %s\nhosts: [localhost, 127.0.0.1]\nconsole: {listen: %q, url: %q}\nenrol: {listen: %q}\nmqtt: {listen: %q}\n",
		filepath.Join(w.dir, "hub"), ports[0], w.web, ports[1], ports[2])); err != nil {
		return err
	}
	pw, err := w.file("password", password+"\n")
	if err != nil {
		return err
	}
	units, err := w.file("units.csv", "id,code,name,kind,parent,valid_from,valid_until,people,source,counted\n"+
		"thon-dong,9900101,Thôn Đông,village,xa-binh-an,2025-07-01,,820,UBND xã (mẫu),2026-06-30\n"+
		"thon-doai,9900102,Thôn Đoài,village,xa-binh-an,2025-07-01,,610,UBND xã (mẫu),2026-06-30\n")
	if err != nil {
		return err
	}
	steps := [][]string{
		{"init", "--root-out", filepath.Join(w.dir, "root"), "--unit-id", unit, "--unit-code", "99001", "--unit-name", "Xã Bình An (mẫu)", "--admin", "quantri", "--password-file", pw},
		{"unit", "import", "--registrar-password-file", pw, units},
		{"user", "add", "--id", "soan", "--name", "Soạn", "--role", "editor", "--unit", unit, "--password-file", pw, "--registrar-password-file", pw},
		{"user", "add", "--id", "duyet1", "--name", "Duyệt", "--role", "approver", "--unit", unit, "--password-file", pw, "--registrar-password-file", pw},
		{"user", "add", "--id", "duyet2", "--name", "Duyệt hai", "--role", "approver", "--unit", unit, "--password-file", pw, "--registrar-password-file", pw},
	}
	steps = append(steps, []string{"unit", "quiet", unit, quietHours(time.Now())})
	for _, s := range steps {
		if _, err := w.command(s...); err != nil {
			return err
		}
	}
	if err := w.serve(ctx); err != nil {
		return err
	}
	if err := w.logIn(ctx); err != nil {
		return err
	}
	w.password, w.enrol = pw, "https://localhost:"+ports[1][strings.LastIndex(ports[1], ":")+1:]
	for i := range 5 {
		f := fitting{id: fmt.Sprintf("loa-%d", i+1), driver: "null"}
		switch i {
		case 0:
			f.driver = "oto"
		case 4:
			f.board = "board: {width: 192, height: 32, row: 16, output: \"png:out/board\"}\n"
		}
		d, err := w.device(ctx, f)
		if err != nil {
			return err
		}
		w.devices = append(w.devices, d)
	}
	for _, d := range w.devices {
		if _, err := d.find(ctx, "connected to the broker"); err != nil {
			return err
		}
	}
	return nil
}

// serve starts the hub and waits until it answers.
func (w *world) serve(ctx context.Context) error {
	var err error
	if w.hub, err = launch(filepath.Join(w.dir, "hub.log"), nil, filepath.Join(w.bin, "loa-hub"), "--config", filepath.Join(w.dir, "hub.yaml"), "serve"); err != nil {
		return err
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		resp, err := http.Get(w.web + "/api/openapi.json")
		if err == nil {
			return resp.Body.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the hub does not serve: %w", err)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// claimText is a claim as the hub prints it.
func claimText(out string) string { return regexp.MustCompile(`loa1\.[A-Z0-9.]+`).FindString(out) }

// fitting is what a device of the bench has.
type fitting struct {
	id     string
	unit   string // thon-dong if empty
	driver string // of a real, paced ALSA card, or "null"
	told   bool   // the card tells its delay
	ppm    string // by which its clock is fast
	board  string // lines of the profile
}

// device adds, enrols and runs a device.
func (w *world) device(ctx context.Context, f fitting) (*device, error) {
	args, env := []string{"--sound"}, []string{}
	d := &device{id: f.id}
	if f.driver != "null" {
		config, err := w.soundCard(ctx, d, f)
		if err != nil {
			return nil, err
		}
		env = append(env, "ALSA_CONFIG_PATH="+config)
	}
	if f.board != "" {
		args = append(args, "--board", "192x32x16")
	}
	out, err := w.command(append([]string{"device", "add", "--id", f.id, "--name", f.id, "--unit", cmp.Or(f.unit, "thon-dong"), "--serves", cmp.Or(f.unit, "thon-dong") + "=0.1", "--registrar-password-file", w.password}, args...)...)
	if err != nil {
		return nil, err
	}
	profile, err := w.file(f.id+"-profile.yaml", fmt.Sprintf("name: %s-profile\nabout: bench\nsound: {driver: %q, card: default, rate: 48000}\nvolume: {ceiling: 100}\n%s", f.id, f.driver, f.board))
	if err != nil {
		return nil, err
	}
	settings, err := w.file(f.id+".yaml", fmt.Sprintf("data: %s\nboard: %s\n", filepath.Join(w.dir, f.id), profile))
	if err != nil {
		return nil, err
	}
	agent := filepath.Join(w.bin, "loa-agent")
	if b, err := exec.Command(agent, "--config", settings, "enrol", "--hub", w.enrol, "--claim", claimText(out)).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("enrol %s: %w: %s", f.id, err, b)
	}
	d.process, err = launch(filepath.Join(w.dir, f.id+".log"), env, agent, "--config", settings, "run")
	return d, err
}

// soundCard starts a paced card and returns its ALSA configuration.
func (w *world) soundCard(ctx context.Context, d *device, f fitting) (string, error) {
	args := []string{"cardtest", "--config-dir", filepath.Join(w.dir, d.id+"-card"), "--channels", "1", "--ppm", cmp.Or(f.ppm, "0")}
	if f.told {
		args = append(args, "--told")
	}
	var err error
	if d.card, err = launch(filepath.Join(w.dir, d.id+"-card.log"), nil, filepath.Join(w.bin, "loa-agent"), args...); err != nil {
		return "", err
	}
	return d.card.find(ctx, "/asound.conf")
}

// client is a person who is logged in.
type client struct {
	http *http.Client
	base string
}

func (w *world) logIn(ctx context.Context) error {
	for user, to := range map[string]**client{"soan": &w.author, "duyet1": &w.approver, "duyet2": &w.second} {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return err
		}
		*to = &client{http: &http.Client{Jar: jar, Timeout: 30 * time.Second}, base: w.web + "/api/v1"}
		if err := (*to).call(ctx, http.MethodPost, "/sessions", map[string]any{"user": user, "password": password}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) call(ctx context.Context, method, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// state is a bulletin as far as the bench looks at it.
type state struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Problem string `json:"problem"`
	Length  int64  `json:"length_ms"`
}

func (w *world) bulletin(ctx context.Context, text, board string, sound bool) (string, error) {
	return w.bulletinOf(ctx, "normal", text, board, sound)
}

func (w *world) bulletinOf(ctx context.Context, class, text, board string, sound bool) (string, error) {
	var b state
	if err := w.author.call(ctx, http.MethodPost, "/bulletins", map[string]any{
		"unit": unit, "class": class, "text": text, "board": board, "options": map[string]any{"wanted": sound},
	}, &b); err != nil {
		return "", err
	}
	return b.ID, w.ready(ctx, &b)
}

func (w *world) ready(ctx context.Context, b *state) error {
	for b.State == "preparing" {
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		if err := w.author.call(ctx, http.MethodGet, "/bulletins/"+b.ID, nil, b); err != nil {
			return err
		}
	}
	if b.State != "ready" {
		return fmt.Errorf("bulletin is %s: %s", b.State, b.Problem)
	}
	return nil
}

// again makes the bulletin that round i approves: a new text each time, so that
// its sound is on no device yet.
func (w *world) again(ctx context.Context, first string, i int) (string, error) {
	if i == 0 {
		return first, nil
	}
	return w.bulletin(ctx, fmt.Sprintf("%s Thông báo lần %d.", longText, i+1), "", true)
}

// approve submits a bulletin for now, approves it, and returns its airing and how
// long the approver waited for the answer.
func (w *world) approve(ctx context.Context, id string) (string, time.Duration, error) {
	return w.approveWish(ctx, id, map[string]any{"units": []string{unit}, "when": "now"})
}

// approveWish is approve for another wish.
func (w *world) approveWish(ctx context.Context, id string, wish map[string]any) (string, time.Duration, error) {
	var request struct {
		ID string `json:"id"`
	}
	if err := w.author.call(ctx, http.MethodPost, "/bulletins/"+id+"/submit", wish, &request); err != nil {
		return "", 0, err
	}
	from := time.Now()
	if err := w.approver.call(ctx, http.MethodPost, "/approvals/"+request.ID+"/approve", map[string]any{"password": password}, nil); err != nil {
		return "", 0, err
	}
	took := time.Since(from)
	var airings []struct {
		ID       string `json:"id"`
		Bulletin string `json:"bulletin"`
	}
	if err := w.author.call(ctx, http.MethodGet, "/airings", nil, &airings); err != nil {
		return "", 0, err
	}
	for _, a := range airings {
		if a.Bulletin == id {
			return a.ID, took, nil
		}
	}
	return "", 0, fmt.Errorf("bulletin %s is not on air", id)
}

// silence stops an airing and waits until devices are idle.
func (w *world) silence(ctx context.Context, airing string) error {
	if err := w.author.call(ctx, http.MethodPost, "/stops", map[string]any{"airing": airing}, nil); err != nil {
		return err
	}
	return pause(ctx, time.Second)
}
