import contactbook.ApiClient;
import contactbook.api.AuthApi;
import contactbook.api.ContactsApi;
import contactbook.api.HistoryApi;
import contactbook.model.CreateContactInput;
import contactbook.model.PairOutput;
import contactbook.model.SignupInput;
import contactbook.model.WholeContactOutput;
import java.io.File;
import java.time.LocalDate;
import java.util.Scanner;

/** The README's walk with the generated Java client: Walk BIRTHDAY PICTURE; the link's token comes on stdin. */
public class Walk {
    static final String ADDRESS = "java@example.org";
    static final String PASSWORD = "a walk in the park"; // pragma: allowlist secret

    public static void main(String[] args) throws Exception {
        AuthApi auth = new AuthApi();
        System.out.println(
                auth.signup(new SignupInput().username("Ann").email(ADDRESS).password(PASSWORD)).getDetail());
        System.out.println(auth.confirmEmail(new Scanner(System.in).nextLine()));
        PairOutput pair = auth.login(ADDRESS, PASSWORD, null, null, null, null);
        System.out.println(pair.getTokenType());

        ApiClient api = new ApiClient();
        api.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + pair.getAccessToken()));
        ContactsApi contacts = new ContactsApi(api);
        WholeContactOutput lukasz = contacts.createContact(
                new CreateContactInput().fullname("Łukasz Żółć").email("lukasz@example.org").phone("+48 22 123 45 67"),
                null);
        System.out.println(lukasz.getFullname() + " " + lukasz.getPhoneNumber());
        WholeContactOutput zoe = contacts.createContact(
                new CreateContactInput().fullname("Zoë").birthday(LocalDate.parse(args[0])), null);
        System.out.println(zoe.getFullname() + " " + zoe.getBirthday());
        System.out.println(contacts.findContact("lukasz", null).getFullname());
        System.out.println(contacts.listBirthdays(null, null, null, null, null).get(0).getFullname());
        String avatar = contacts.replaceAvatar(lukasz.getId(), new File(args[1]), null).getAvatar();
        System.out.println(avatar.startsWith("http") ? "True" : "False");
        System.out.println(contacts.deleteContact(lukasz.getId(), null).getFullname());
        System.out.println(new HistoryApi(api).restoreFromTrash(lukasz.getId(), null).getFullname());
    }
}
