package wled_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/netout"
	"github.com/loa-vn/loa/agent/display/wled"
)

var _ netout.Inquirer = (*wled.Controller)(nil)

// said is what a controller of WLED 0.15 says of itself, as far as it matters, and some
// of what does not.
func said(live bool, override int, leds string) string {
	return fmt.Sprintf(`{"state":{"on":true,"bri":128,"transition":7,"lor":%d,"mainseg":0,"seg":[{"id":0,"start":0,"stop":192}]},
		"info":{"ver":"0.15.0","vid":2412100,"leds":%s,"str":false,"name":"WLED","udpport":21324,"live":%t,"liveseg":-1,"lm":"DDP","lip":"192.168.4.1","arch":"esp32","brand":"WLED","product":"FOSS"}}`, override, leds, live)
}

const (
	matrix = `{"count":6144,"pwr":120,"fps":30,"maxpwr":850,"maxseg":32,"matrix":{"w":192,"h":32},"seglc":[1],"lc":1,"rgbw":false,"wv":0,"cct":0}`
	strip  = `{"count":6144,"pwr":120}`
)

func TestWhatAControllerSaysOfItself(t *testing.T) {
	silent := errors.New("any that is no answer")
	for name, x := range map[string]struct {
		status int
		body   string
		fed    bool
		want   error
	}{
		"a board that shows what comes":      {200, said(true, 0, matrix), true, nil},
		"wired as one line":                  {200, said(true, 0, strip), true, nil},
		"with some to spare":                 {200, said(true, 0, `{"count":6200}`), true, nil},
		"before anything came":               {200, said(false, 0, matrix), false, nil},
		"nothing comes":                      {200, said(false, 0, matrix), true, netout.ErrOwn},
		"somebody chose an effect":           {200, said(true, 2, matrix), true, netout.ErrOwn},
		"of half the height":                 {200, said(true, 0, strings.ReplaceAll(matrix, `"h":32`, `"h":16`)), true, display.ErrSize},
		"the other way round":                {200, said(true, 0, `{"count":6144,"matrix":{"w":32,"h":192}}`), true, display.ErrSize},
		"a line that is too short":           {200, said(true, 0, `{"count":300}`), true, display.ErrSize},
		"of no length":                       {200, said(true, 0, `{}`), true, display.ErrSize},
		"too small and with another picture": {200, said(false, 1, `{"count":300}`), true, display.ErrSize},
		"something else":                     {200, `{"info":{"brand":"FPP","leds":{"count":6144}}}`, true, silent},
		"a page":                             {200, "<html>", true, silent},
		"cut off":                            {200, said(true, 0, matrix)[:300], true, silent},
		"nothing":                            {200, "", true, silent},
		"busy":                               {503, said(true, 0, matrix), true, silent},
		"elsewhere":                          {302, said(true, 0, matrix), true, silent},
		"without end":                        {200, `{"state":"` + strings.Repeat("x", 1<<20), true, silent},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != "/json/si" {
					t.Errorf("%s %s", r.Method, r.URL)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(x.status)
				fmt.Fprint(w, x.body)
			}))
			defer s.Close()
			err := wled.New(strings.TrimPrefix(s.URL, "http://"), 192, 32).Ask(t.Context(), x.fed)
			if errors.Is(x.want, silent) {
				if err == nil || errors.Is(err, display.ErrSize) || errors.Is(err, netout.ErrOwn) {
					t.Errorf("taken for an answer: %v", err)
				}
			} else if !errors.Is(err, x.want) {
				t.Errorf("%v, want %v", err, x.want)
			}
		})
	}
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	if err := wled.New(strings.TrimPrefix(s.URL, "http://"), 192, 32).Ask(t.Context(), true); err == nil {
		t.Error("one that is not there answered")
	}
}
