// Package wled asks a controller that runs WLED, by its JSON API over HTTP
// (https://kno.wled.ge/interfaces/json-api/), of what size it is and whether it shows
// what it is sent. WLED answers no questions of the pixel protocols themselves, but
// polls of Art-Net.
//
// It changes nothing at the controller and believes it nothing about single pictures:
// WLED gives out every n-th pixel of what it shows, and those dimmed by itself.
package wled

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/netout"
)

const (
	maxAnswer = 64 << 10        // bytes; it says 2 to 8 KiB
	patience  = 3 * time.Second // controllers on a Wi-Fi take their time
)

// Controller is one that runs WLED.
type Controller struct {
	url           string
	width, height int
	client        *http.Client
}

// New returns a controller by the host and port of its web page, which has to light a
// board of that size.
func New(hostPort string, width, height int) *Controller {
	return &Controller{url: "http://" + hostPort + "/json/si", width: width, height: height, client: &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true},
	}}
}

// answer is what matters of the state and the information.
type answer struct {
	State struct {
		Override int `json:"lor"` // not 0: live data are not shown
	} `json:"state"`
	Info struct {
		Brand string `json:"brand"`
		Leds  struct {
			Count  int `json:"count"`
			Matrix *struct {
				W int `json:"w"`
				H int `json:"h"`
			} `json:"matrix"` // absent if it is wired as one line
		} `json:"leds"`
		Live bool `json:"live"` // somebody's pixels are shown
	} `json:"info"`
}

// Ask is netout.Inquirer's.
func (c *Controller) Ask(ctx context.Context, fed bool) error {
	a, err := c.read(ctx)
	if err != nil {
		return err
	}
	leds := a.Info.Leds
	switch m := leds.Matrix; {
	case m != nil && (m.W != c.width || m.H != c.height):
		return fmt.Errorf("controller of %dx%d px, not %dx%d: %w", m.W, m.H, c.width, c.height, display.ErrSize)
	case leds.Count < c.width*c.height:
		return fmt.Errorf("controller of %d px, not %d: %w", leds.Count, c.width*c.height, display.ErrSize)
	case a.State.Override != 0:
		return fmt.Errorf("live data are overridden at the controller: %w", netout.ErrOwn)
	case fed && !a.Info.Live:
		return fmt.Errorf("no live data arrive at the controller: %w", netout.ErrOwn)
	}
	return nil
}

func (c *Controller) read(ctx context.Context) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return answer{}, fmt.Errorf("ask controller: %w", err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("ask controller: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("ask controller: %s", resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("controller's answer: %w", err)
	}
	if a.Info.Brand != "WLED" {
		return answer{}, fmt.Errorf("controller's answer: %q is not WLED", a.Info.Brand)
	}
	return a, nil
}
