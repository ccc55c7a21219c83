package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// ErrHub is wrapped by what a hub's API refused; its text is the hub's.
var ErrHub = errors.New("hub")

// maxAnswer bounds what is read of an answer, in bytes: the reach of 10,000 devices.
const maxAnswer = 256 << 20

// Hub is a person who is logged in at a hub's API.
type Hub struct {
	base string
	http *http.Client
}

// LogIn logs a person in at the console's address, http://hub:8080.
func LogIn(ctx context.Context, address, user, password string) (*Hub, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	h := &Hub{base: address + "/api/v1", http: &http.Client{Jar: jar, Timeout: 2 * time.Minute}}
	if err := h.call(ctx, http.MethodPost, "/sessions", map[string]string{"user": user, "password": password}, nil); err != nil {
		return nil, fmt.Errorf("log in %s: %w", user, err)
	}
	return h, nil
}

// call makes one request. Errors: ErrHub; those of the network.
func (h *Hub) call(ctx context.Context, method, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.http.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %w: %s: %.400s", method, path, ErrHub, resp.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// Place is where a new device stands.
type Place struct {
	Unit      protocol.UnitID
	Sound     bool
	Board     *protocol.Display
	Registrar string // the registrar's password
}

// Claim adds a device and returns its claim.
func (h *Hub) Claim(ctx context.Context, id protocol.DeviceID, p Place) (string, error) {
	add := map[string]any{"id": id, "name": string(id), "unit": p.Unit, "sound": p.Sound, "registrar_password": p.Registrar}
	if b := p.Board; b != nil {
		add["board"] = map[string]uint64{"width": b.Width, "height": b.Height, "row": b.Row}
	}
	if err := h.call(ctx, http.MethodPost, "/devices", add, nil); err != nil {
		return "", fmt.Errorf("add %s: %w", id, err)
	}
	var claim struct {
		Claim string `json:"claim"`
	}
	if err := h.call(ctx, http.MethodPost, "/claims", map[string]any{"device": id}, &claim); err != nil {
		return "", fmt.Errorf("claim of %s: %w", id, err)
	}
	return claim.Claim, nil
}

// Said returns what the hub says of every occurrence of these devices, of all
// bulletins whose airings reach beyond an instant.
func (h *Hub) Said(ctx context.Context, since time.Time, mine func(protocol.DeviceID) bool) ([]Said, error) {
	var airings []struct {
		Bulletin protocol.BulletinID `json:"bulletin"`
	}
	if err := h.call(ctx, http.MethodGet, "/airings?since="+url.QueryEscape(since.UTC().Format(time.RFC3339)), nil, &airings); err != nil {
		return nil, fmt.Errorf("airings: %w", err)
	}
	asked := map[protocol.BulletinID]bool{}
	var out []Said
	for _, a := range airings {
		if asked[a.Bulletin] {
			continue
		}
		asked[a.Bulletin] = true
		said, err := h.reach(ctx, a.Bulletin)
		if err != nil {
			return nil, err
		}
		for _, s := range said {
			if mine(s.Device) && s.Start >= since.UnixMilli() {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// reach is what the hub says of one bulletin.
func (h *Hub) reach(ctx context.Context, id protocol.BulletinID) ([]Said, error) {
	var body struct {
		Lines []struct {
			Airing  protocol.AiringID `json:"airing"`
			Device  protocol.DeviceID `json:"device"`
			Medium  string            `json:"medium"`
			Start   time.Time         `json:"start"`
			Outcome string            `json:"outcome"`
			Reason  string            `json:"reason"`
			Frames  uint64            `json:"frames"`
		} `json:"lines"`
	}
	if err := h.call(ctx, http.MethodGet, "/bulletins/"+url.PathEscape(string(id))+"/reach", nil, &body); err != nil {
		return nil, fmt.Errorf("reach of %s: %w", id, err)
	}
	out := make([]Said, 0, len(body.Lines))
	for _, l := range body.Lines {
		out = append(out, Said{
			Key:     Key{Device: l.Device, Medium: l.Medium, Airing: l.Airing, Start: l.Start.UnixMilli()},
			Outcome: l.Outcome, Reason: l.Reason, Frames: l.Frames,
		})
	}
	return out, nil
}
