package main

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
)

// apiLimit bounds an answer, in bytes.
const apiLimit = 64 << 20

// errRefused: the hub refused a request; the text says why.
var errRefused = errors.New("refused by the hub")

// caller is one person, or one program with a token, before the hub's API.
type caller struct {
	base   string // "http://127.0.0.1:8080/api/v1"
	client *http.Client
	token  string // "" for a session
}

// newCaller returns a caller without rights.
func newCaller(base string) (*caller, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &caller{base: base, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}, nil
}

// logIn begins a session.
func (c *caller) logIn(ctx context.Context, p person) error {
	return c.call(ctx, http.MethodPost, "/sessions", map[string]string{"user": p.id, "password": p.password}, nil)
}

// call sends in as JSON and reads the answer into out; both may be nil. The error
// of a refusal is errRefused.
func (c *caller) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	b, err := c.send(ctx, method, path, "application/json", body)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// send sends a body of a type and returns the answer's.
func (c *caller) send(ctx context.Context, method, path, kind string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, apiLimit))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%w: %s %s: %d %.500s", errRefused, method, path, res.StatusCode, b)
	}
	return b, nil
}

// What the API answers, as far as it is used here; instants are RFC 3339.
type (
	bulletinBody struct {
		ID       string `json:"id"`
		Title    string `json:"title"`
		Class    string `json:"class"`
		Origin   string `json:"origin"`
		State    string `json:"state"`
		Problem  string `json:"problem"`
		LengthMS int64  `json:"length_ms"`
		Sound    *struct {
			Frames int64 `json:"frames"` // at 48 kHz
		} `json:"sound"`
	}
	sentence struct {
		Vi string `json:"vi"`
		En string `json:"en"`
	}
	approvalBody struct {
		ID     string   `json:"id"`
		State  string   `json:"state"`
		Needed int      `json:"needed"`
		Signed []string `json:"signed"`
	}
	airingBody struct {
		ID       string `json:"id"`
		Bulletin string `json:"bulletin"`
	}
	deviceBody struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Playing string `json:"playing"`
		Missing int    `json:"missing"`
		Unacked int    `json:"unacked"`
	}
	lineBody struct {
		Airing  string     `json:"airing"`
		Device  string     `json:"device"`
		Medium  string     `json:"medium"`
		Start   time.Time  `json:"start"`
		Outcome string     `json:"outcome"`
		Reason  string     `json:"reason"`
		Proof   string     `json:"proof"`
		Began   *time.Time `json:"began"`
		Ended   *time.Time `json:"ended"`
		Frames  int64      `json:"frames"`
		Voice   string     `json:"voice"`
	}
	villageBody struct {
		Name    string  `json:"name"`
		People  int     `json:"people"`
		Reached float64 `json:"reached"`
		Unknown float64 `json:"unknown"`
	}
	reachBody struct {
		People   int           `json:"people"`
		Reached  float64       `json:"reached"`
		Villages []villageBody `json:"villages"`
		Lines    []lineBody    `json:"lines"`
	}
	pagesBody struct {
		LengthMS int64 `json:"length_ms"` // two passes
		Pages    []struct {
			PNG []byte `json:"png"`
		} `json:"pages"`
	}
)

// get reads a resource.
func get[T any](ctx context.Context, c *caller, path string) (T, error) {
	var v T
	return v, c.call(ctx, http.MethodGet, path, nil, &v)
}

// upload sends a sound file and returns its digest.
func (c *caller) upload(ctx context.Context, name string, sound []byte) (string, error) {
	b, err := c.send(ctx, http.MethodPost, "/uploads?name="+url.QueryEscape(name), "application/octet-stream", bytes.NewReader(sound))
	if err != nil {
		return "", err
	}
	var v struct {
		Digest string `json:"digest"`
	}
	return v.Digest, json.Unmarshal(b, &v)
}

// layout is how a bulletin looks on a board.
type layout struct {
	pages  [][]byte // PNG
	length time.Duration
}

// pages reads how a bulletin looks on a board.
func (c *caller) pages(ctx context.Context, bulletin string, b board) (layout, error) {
	p, err := get[pagesBody](ctx, c, fmt.Sprintf("/bulletins/%s/pages?width=%d&height=%d&row=%d", bulletin, b.width, b.height, b.row))
	out := layout{length: time.Duration(p.LengthMS) * time.Millisecond}
	for _, pg := range p.Pages {
		out.pages = append(out.pages, pg.PNG)
	}
	return out, err
}
