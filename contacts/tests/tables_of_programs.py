"""Tables as programs write them: headings, order and habits are theirs, the people are made up."""

TABLES = {
    # Google Contacts until 2024.
    "google old": (
        "Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Additional Name Yomi,Family Name Yomi,"
        "Name Prefix,Name Suffix,Initials,Nickname,Short Name,Maiden Name,Birthday,Gender,Location,Billing Information,"
        "Directory Server,Mileage,Occupation,Hobby,Sensitivity,Priority,Subject,Notes,Language,Photo,Group Membership,"
        "E-mail 1 - Type,E-mail 1 - Value,E-mail 2 - Type,E-mail 2 - Value,IM 1 - Type,IM 1 - Service,IM 1 - Value,"
        "Phone 1 - Type,Phone 1 - Value,Phone 2 - Type,Phone 2 - Value,Address 1 - Type,Address 1 - Formatted,"
        "Address 1 - Street,Address 1 - City,Address 1 - PO Box,Address 1 - Region,Address 1 - Postal Code,"
        "Address 1 - Country,Address 1 - Extended Address,Organization 1 - Type,Organization 1 - Name,"
        "Organization 1 - Yomi Name,Organization 1 - Title,Organization 1 - Department,Organization 1 - Symbol,"
        "Organization 1 - Location,Organization 1 - Job Description,Relation 1 - Type,Relation 1 - Value,"
        "Website 1 - Type,Website 1 - Value,Event 1 - Type,Event 1 - Value,Custom Field 1 - Type,Custom Field 1 - Value\n"
        'Dr. Ada M. King,Ada,M.,King,,エイダ,,,Dr.,PhD,,Countess,,Byron, --12-10,,London,,,,,chess,,,,"first line\n'
        'second line",en,https://example.org/ada.jpg,* My Contacts ::: Friends ::: * Starred in Android,'
        "* Home,ada@example.org,Work,ada@work.example ::: king@work.example,Home,Skype,ada.king,"
        "Mobile,+44 20 7946 0958,Work Fax,+44 20 7946 0000 ::: +44 20 7946 0001,Home,\"12 St James's Square\n"
        "London SW1Y 4JH\nGB\",12 St James's Square,London,PO 7,Westminster,SW1Y 4JH,GB,Flat 2,,Analytical Ltd,,"
        "Analyst,Engines,,,,Spouse,William King,Profile,https://example.org/ada,Anniversary,1835-07-08,Member,12345\n"
        ",,,,,,,,,,,,,,,,,,,,,,,,,,,,* Other Contacts,* ,anonymous@example.org,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n"
    ),
    # Google Contacts since 2024.
    "google new": (
        "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,"
        "Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,"
        "Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,"
        "Address 1 - Label,Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - PO Box,"
        "Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,Address 1 - Extended Address,"
        "Relation 1 - Label,Relation 1 - Value,Website 1 - Label,Website 1 - Value,Event 1 - Label,Event 1 - Value,"
        "Custom Field 1 - Label,Custom Field 1 - Value\r\n"
        'Grace,Brewster,Hopper,,,,RADM,,Amazing Grace,"Hopper, Grace",US Navy,Rear Admiral,Computing,1906-12-09,'
        "pioneer,https://example.org/g.jpg,Navy ::: Mentors ::: * myContacts ::: * starred,* Work,grace@navy.example,"
        'Home,grace@home.example,Mobile,+1 555 0100,Work,"3801 Nebraska Ave NW\nWashington, DC 20016\nUS",'
        "3801 Nebraska Ave NW,Washington,,DC,20016,US,,Assistant,Jean Sammet,Blog,https://example.org/grace,"
        "First met,1944-01-01,Ship,USS Hopper\r\n"
    ),
    "outlook English": (
        '"Title","First Name","Middle Name","Last Name","Suffix","Company","Department","Job Title","Business Street",'
        '"Business Street 2","Business Street 3","Business City","Business State","Business Postal Code",'
        '"Business Country/Region","Home Street","Home City","Home Postal Code","Other Street","Assistant\'s Phone",'
        '"Business Fax","Business Phone","Business Phone 2","Callback","Car Phone","Company Main Phone","Home Phone",'
        '"ISDN","Mobile Phone","Other Phone","Pager","Primary Phone","TTY/TDD Phone","Anniversary","Assistant\'s Name",'
        '"Birthday","Categories","Children","E-mail Address","E-mail Type","E-mail Display Name","E-mail 2 Address",'
        '"E-mail 2 Type","Gender","Hobby","Manager\'s Name","Notes","Priority","Private","Sensitivity","Spouse","Web Page"'
        "\r\n"
        '"Mr.","John","Q.","Doe","Jr.","Acme","Sales","Head","Main St 5","Floor 2",,"Springfield","IL","62701",'
        '"United States of America","Elm St 1","Shelbyville","62565","Beach 3","555-1","555-2","555-3","555-4","555-5",'
        '"555-6","555-7","555-8","555-9","555-10","555-11","555-12","555-13","555-14","0/0/00","Ann Aide","5/25/1970",'
        '"Family;Golf","Tim; Tom","john@acme.example","SMTP","John Doe (john@acme.example)","jd@home.example","SMTP",'
        '"Unspecified","golf","Max Boss","Line one\r\nLine two","Normal","False","Normal","Jane Doe","https://acme.example"'
        "\r\n"
        '"","Jane",,"Roe",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"0/0/00",,"0/0/00",,,"jane@roe.example","SMTP","Jane Roe",,,'
        '"Unspecified",,,,"Normal","False","Normal",,\r\n'
    ),
    "outlook German": (
        '"Anrede";"Vorname";"Weitere Vornamen";"Nachname";"Suffix";"Firma";"Abteilung";"Position";"Straße geschäftlich";'
        '"Ort geschäftlich";"Region geschäftlich";"Postleitzahl geschäftlich";"Land/Region geschäftlich";'
        '"Straße privat";"Ort privat";"Fax geschäftlich";"Telefon geschäftlich";"Telefon privat";"Mobiltelefon";'
        '"E-Mail-Adresse";"E-Mail-Typ";"E-Mail 2: Adresse";"Geburtstag";"Geschlecht";"Jahrestag";"Kategorien";"Notizen";'
        '"Priorität";"Privat";"Vertraulichkeit";"Webseite"\r\n'
        '"Herr";"Jörg";"";"Müller";"";"Bäckerei Müller";"Backstube";"Meister";"Hauptstraße 1";"Köln";"NRW";"50667";'
        '"Deutschland";"Weg 2";"Bonn";"0221 3";"0221 1";"0228 2";"0171 4";"joerg@example.de";"SMTP";"jm@example.de";'
        '"12.04.1985";"Keine Angabe";"00.00.0000";"Freunde";"Brötchen";"Normal";"Aus";"Normal";"https://example.de"\r\n'
    ),
    "outlook French": (
        '"Titre","Prénom","Deuxième prénom","Nom","Suffixe","Société","Service","Titre","Rue (bureau)","Ville (bureau)",'
        '"Dép/Région (bureau)","Code postal (bureau)","Pays/Région (bureau)","Télécopie (bureau)","Téléphone (bureau)",'
        '"Téléphone (domicile)","Tél. mobile","Anniversaire","Anniversaire de mariage ou fête","Adresse de messagerie",'
        '"Notes","Page Web"\r\n'
        '"Mme","Zoé","","Lefèvre","","Société Générale","Achats","Directrice","1 rue de la Paix","Paris","","75002",'
        '"France","01 3","01 1","01 2","06 1","25/12/1980","0/0/00","zoe@example.fr","été","https://example.fr"\r\n'
    ),
    "outlook Spanish": (
        '"Título","Nombre","Segundo nombre","Apellidos","Sufijo","Organización","Departamento","Puesto",'
        '"Calle del trabajo","Ciudad de trabajo","Código postal del trabajo","País o región del trabajo",'
        '"Fax del trabajo","Teléfono del trabajo","Particular","Teléfono móvil","Dirección de correo electrónico",'
        '"Cumpleaños","Notas","Página web"\r\n'
        '"Sra.","Lucía","","Núñez García","","Compañía","Ventas","Jefa","Calle Mayor 1","Madrid","28013","España",'
        '"91 3","91 1","91 2","600 1","lucia@example.es","31/01/1990","mañana","https://example.es"\r\n'
    ),
    "outlook Ukrainian": (
        '"Звернення","Ім\'я","По батькові","Прізвище","Організація","Відділ","Посада",'
        '"Вулиця (роб. адреса)","Місто (роб. адреса)","Індекс (роб. адреса)","Країна або регіон (роб. адреса)",'
        '"Робочий факс","Робочий телефон","Домашній телефон","Телефон мобільний","Адреса ел. пошти","День народження",'
        '"Категорії","Нотатки","Веб-сторінка"\r\n'
        '"пані","Леся","Петрівна","Косач","Просвіта","Видання","поетка","вул. Саксаганського 97","Київ","01032",'
        '"Україна","044 3","044 1","044 2","067 1","lesia@example.ua","25.02.1971","друзі","лісова пісня",'
        '"https://example.ua"\r\n'
    ),
    "thunderbird English": (
        "First Name,Last Name,Display Name,Nickname,Primary Email,Secondary Email,Screen Name,Work Phone,Home Phone,"
        "Fax Number,Pager Number,Mobile Number,Home Address,Home Address 2,Home City,Home State,Home ZipCode,"
        "Home Country,Work Address,Work Address 2,Work City,Work State,Work ZipCode,Work Country,Job Title,Department,"
        "Organization,Web Page 1,Web Page 2,Birth Year,Birth Month,Birth Day,Custom 1,Custom 2,Custom 3,Custom 4,Notes,\n"
        "Bob,Ross,Bob Ross,Bobby,bob@example.com,b@example.org,bobaim,1,2,3,4,5,Home 1,Flat 2,Town,State,12345,US,"
        "Work 1,,City,,54321,US,Painter,Art,TV,https://work.example,https://home.example,1942,10,29,c1,c2,,,happy,\n"
    ),
    "thunderbird German": (
        "Vorname;Nachname;Anzeigename;Spitzname;Primäre E-Mail-Adresse;Sekundäre E-Mail-Adresse;Messenger-Name;"
        "Tel. dienstlich;Tel. privat;Fax-Nummer;Pager-Nummer;Mobil-Tel.-Nr.;Privat: Adresse;Privat: Adresse 2;"
        "Privat: Ort;Privat: Bundesland;Privat: PLZ;Privat: Land;Dienstlich: Adresse;Dienstlich: Adresse 2;"
        "Dienstlich: Ort;Dienstlich: Bundesland;Dienstlich: PLZ;Dienstlich: Land;Arbeitstitel;Abteilung;Organisation;"
        "Webseite 1;Webseite 2;Geburtsjahr;Geburtsmonat;Geburtstag;Benutzerdef. 1;Benutzerdef. 2;Benutzerdef. 3;"
        "Benutzerdef. 4;Notizen;\n"
        "Jörg;Groß;Jörg Groß;;joerg@example.de;;;;0221 1;;;0171 2;Weg 1;;Köln;;50667;DE;;;;;;;;;;;;;4;12;;;;;;\n"
    ),
    "thunderbird French": (
        "Prénom,Nom de famille,Nom à afficher,Surnom,Adresse e-mail principale,Adresse e-mail secondaire,"
        "Nom de l’écran,Tél. professionnel ,Tél. personnel,Fax,Pager,Portable,Adresse privée,Adresse privée 2,Ville,"
        "Pays/État,Code postal,Pays/Région (domicile),Adresse professionnelle,Adresse professionnelle 2,Ville,"
        "Pays/État,Code postal,Pays/Région (bureau),Profession,Service,Société,Site web 1,Site web 2,"
        "Année de naissance,Mois,Jour,Divers 1,Divers 2,Divers 3,Divers 4,Notes,\n"
        "Zoé,Lefèvre,Zoé Lefèvre,,zoe@example.fr,,,01 1,01 2,,,06 1,1 rue A,,Lyon,,69001,FR,2 rue B,,Paris,,75002,FR,"
        ",,,,,1980,12,25,,,,,,\n"
    ),
    "thunderbird Spanish": (
        "Nombre,Apellidos,Nombre mostrado,Apodo,Dirección de correo electrónico principal,"
        "Dirección de correo electrónico secundaria,Nombre en pantalla,Teléfono (Trabajo),Teléfono particular,Fax,"
        "Buscapersonas,Teléfono móvil,Dirección personal,Dirección personal 2,Ciudad donde vive,Provincia,Código postal,"
        "País de residencia,Dirección de trabajo,Dirección de trabajo 2,Ciudad (Trabajo),Provincia (Trabajo),"
        "Código postal (Trabajo),País (Trabajo),Puesto,Departamento,Organización,Página web 1,Página web 2,"
        "Año de nacimiento,Mes de nacimiento,Día de nacimiento,Personalizado 1,Personalizado 2,Personalizado 3,"
        "Personalizado 4,Notas,\n"
        "Lucía,Núñez,Lucía Núñez,,lucia@example.es,,,91 1,91 2,,,600 1,Calle 1,,Madrid,,28013,ES,,,,,,,,,,,,1990,1,31,"
        ",,,,,\n"
    ),
    "thunderbird Ukrainian": (
        "Ім'я,Прізвище,Ім'я для показу,Псевдонім,Адреса електронної пошти,Альтернативна адреса електронної пошти,"
        "Ім'я для показу,Телефон (роб.),Телефон,Номер факсу,Номер пейджера,Номер мобільного телефону,Адреса,Адреса 2,"
        "Місто,Область,Поштовий індекс,Країна,Адреса (роб.),Адреса 2 (роб.),Місто (роб.),Область (роб.),"
        "Поштовий індекс (роб.),Країна (роб.),Посада,Відділ,Організація,Вебсторінка 1,Вебсторінка 2,Рік народження,"
        "Місяць народження,День народження,Інше 1,Інше 2,Інше 3,Інше 4,Примітки,\n"
        "Леся,Косач,Леся Косач,Українка,lesia@example.ua,,lesia,044 1,044 2,,,067 1,вул. 1,,Київ,,01032,UA,,,,,,,,,,,,"
        "1971,2,25,,,,,,\n"
    ),
    "own": (
        "fullname,email,email label,phone,phone label,birthday,additional,uid,more\r\n"
        'Ann Lee,ann@x.org,work,\'+49 221 1,home,1985-04-12,\'=note,urn:uuid:1,"{""language"":""de""}"\r\n'
        "'''t Hooft,,,,,--04-12,,,\r\n"
    ),
    "by hand": "Name;E-Mail;Handy;Geburtsdatum;Lieblingsfarbe\nAnn;ann@x.org;0171 1;12.4.85;blau\n;;;;\n",
}
