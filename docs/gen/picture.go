package main

import (
	"errors"
	"os"
	"strings"
)

// page is the report of a smoke test that a test of internal/smoke holds to what
// the code writes.
const page = "internal/smoke/testdata/matrix.html"

// picture is docs/matrix.svg: the picture in that page, with the page's style, so
// that it can stand alone.
func picture() (string, error) {
	html, err := os.ReadFile(page)
	if err != nil {
		return "", err
	}
	_, style, styled := strings.Cut(string(html), "<style>")
	style, _, closed := strings.Cut(style, "</style>")
	_, svg, drawn := strings.Cut(string(html), "<svg ")
	svg, _, ended := strings.Cut(svg, "</svg>")
	if !styled || !closed || !drawn || !ended {
		return "", errors.New(page + " has no picture")
	}
	head, rest, _ := strings.Cut(svg, ">")
	return `<svg xmlns="http://www.w3.org/2000/svg" ` + head + "><style>" + style + "</style>" + rest + "</svg>\n", nil
}
