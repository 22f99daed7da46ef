// The README's walk with the generated Go client: walk BIRTHDAY PICTURE; the link's token comes on stdin.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	client "contactbook"
)

const (
	address  = "go@example.org"
	password = "a walk in the park" // pragma: allowlist secret
)

func sure(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	ctx := context.Background()
	api := client.NewAPIClient(client.NewConfiguration())

	signup := *client.NewSignupInput("Ann", address, password)
	account, _, err := api.AuthAPI.Signup(ctx).SignupInput(signup).Execute()
	sure(err)
	fmt.Println(account.GetDetail())
	var token string
	_, err = fmt.Scanln(&token)
	sure(err)
	confirmed, _, err := api.AuthAPI.ConfirmEmail(ctx, token).Execute()
	sure(err)
	fmt.Println(strings.Trim(confirmed, `"`)) // the Go client does not decode an answer that is a JSON string
	pair, _, err := api.AuthAPI.Login(ctx).Username(address).Password(password).Execute()
	sure(err)
	fmt.Println(pair.GetTokenType())
	ctx = context.WithValue(ctx, client.ContextAccessToken, pair.GetAccessToken())

	input := client.NewCreateContactInput("Łukasz Żółć")
	input.SetEmail("lukasz@example.org")
	input.SetPhone("+48 22 123 45 67")
	lukasz, _, err := api.ContactsAPI.CreateContact(ctx).CreateContactInput(*input).Execute()
	sure(err)
	fmt.Println(lukasz.GetFullname(), lukasz.GetPhoneNumber())
	input = client.NewCreateContactInput("Zoë")
	input.SetBirthday(os.Args[1])
	zoe, _, err := api.ContactsAPI.CreateContact(ctx).CreateContactInput(*input).Execute()
	sure(err)
	fmt.Println(zoe.GetFullname(), zoe.GetBirthday())

	found, _, err := api.ContactsAPI.FindContact(ctx, "lukasz").Execute()
	sure(err)
	fmt.Println(found.GetFullname())
	birthdays, _, err := api.ContactsAPI.ListBirthdays(ctx).Execute()
	sure(err)
	fmt.Println(birthdays[0].GetFullname())
	picture, err := os.Open(os.Args[2])
	sure(err)
	pictured, _, err := api.ContactsAPI.ReplaceAvatar(ctx, lukasz.GetId()).File(picture).Execute()
	sure(err)
	if strings.HasPrefix(pictured.GetAvatar(), "http") {
		fmt.Println("True")
	}
	deleted, _, err := api.ContactsAPI.DeleteContact(ctx, lukasz.GetId()).Execute()
	sure(err)
	fmt.Println(deleted.GetFullname())
	restored, _, err := api.HistoryAPI.RestoreFromTrash(ctx, lukasz.GetId()).Execute()
	sure(err)
	fmt.Println(restored.GetFullname())
}
